package cli

// Unsigned data is marked wherever it is shown, if it should be signed.
