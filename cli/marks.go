package cli

// What is not signed as it should be says so wherever it is shown.
