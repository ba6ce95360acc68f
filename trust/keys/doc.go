// Package keys is the edge of trust: where private keys are, and how they
// sign. A key is one of these:
//
//   - made for an agent at its first write: ed25519, without a passphrase, in
//     <git dir>/crosslink/keys/<agent id>, a file that OpenSSH reads. The
//     directory is 0700, the file 0600, whatever the repository shares;
//   - a file that crosslink.signingKey names. If it has a passphrase, or stands
//     for a hardware key, ssh-agent is asked, and then ssh-keygen;
//   - a public key, or the file of one, that crosslink.signingKey names:
//     ssh-agent has the other half.
//
// Secrets stay in the file and in this process: no part of them is in an argument, in the
// environment of a child, in an error or in a log. docs/decisions/0013-a-key-for-each-agent.md
// says why it is like this.
package keys
