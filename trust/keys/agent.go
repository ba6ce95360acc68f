package keys

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/git-crosslink/git-crosslink/trust"
)

// How long another program may take to sign: a machine answers at once, a
// person has to find the passphrase or touch the key.
const (
	patience    = 5 * time.Second
	askPatience = time.Minute
)

// agentKey signs through other programs: ssh-agent, and ssh-keygen where there
// is a file.
type agentKey struct {
	ring  *Ring
	key   trust.Key
	where string
	file  string // private key file, "" if there is none

	passphrase bool // the file has one
}

func (k *agentKey) Key() trust.Key { return k.key }
func (k *agentKey) Where() string  { return k.where }

// Locked returns the private key file of a key that signs only through other
// programs, because it has a passphrase or is in hardware; "" for any other.
func Locked(s Signer) string {
	if k, ok := s.(*agentKey); ok {
		return k.file
	}
	return ""
}

// Ready says why a key cannot sign now. Nobody is asked for anything, and no
// process is started: of a key in hardware nothing is said.
func Ready(ctx context.Context, s Signer) error {
	k, ok := s.(*agentKey)
	if !ok || k.ring.Ask && k.file != "" || k.file != "" && !k.passphrase {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, _, err := k.dial(ctx)
	if err != nil {
		return err
	}
	return conn.Close()
}

func (k *agentKey) Sign(ctx context.Context, namespace string, message []byte) (*trust.Signature, error) {
	wait := patience
	if k.ring.Ask {
		wait = askPatience
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	s, err := k.byAgent(ctx, namespace, message)
	if err != nil && k.file != "" {
		why := err
		if s, err = k.byKeygen(ctx, namespace, message); err != nil {
			err = fmt.Errorf("%w, and %w", why, err)
		}
	}
	if err != nil {
		return nil, err
	}
	if err := s.Verify(namespace, message); err != nil || s.Key != k.key {
		return nil, errors.New("the result is not a signature by this key")
	}
	return s, nil
}

func (k *agentKey) byAgent(ctx context.Context, namespace string, message []byte) (*trust.Signature, error) {
	conn, client, err := k.dial(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	pub, err := ssh.ParsePublicKey(k.key.Blob())
	if err != nil {
		return nil, err
	}
	var flags agent.SignatureFlags
	if k.key.Type() == ssh.KeyAlgoRSA {
		flags = agent.SignatureFlagRsaSha512
	}
	sig, err := client.SignWithFlags(pub, trust.SignedData(namespace, message), flags)
	if err != nil {
		return nil, errors.New("ssh-agent refuses to sign")
	}
	return trust.NewSignature(k.key, namespace, sig), nil
}

// dial reaches the ssh-agent that holds the key.
func (k *agentKey) dial(ctx context.Context) (net.Conn, agent.ExtendedAgent, error) {
	socket := Getenv(k.ring.Environ, "SSH_AUTH_SOCK")
	if socket == "" {
		return nil, nil, errors.New("no ssh-agent is running")
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", socket)
	if err != nil {
		return nil, nil, errors.New("ssh-agent does not answer")
	}
	if at, ok := ctx.Deadline(); ok {
		conn.SetDeadline(at)
	}
	client := agent.NewClient(conn)
	held, err := client.List()
	switch {
	case err != nil:
		err = errors.New("ssh-agent does not answer")
	case !slices.ContainsFunc(held, func(h *agent.Key) bool { return bytes.Equal(h.Blob, k.key.Blob()) }):
		err = fmt.Errorf("ssh-agent does not hold the key %s", k.key.Fingerprint())
	default:
		return conn, client, nil
	}
	conn.Close()
	return nil, nil, err
}

// byKeygen lets ssh-keygen sign: it asks for passphrases and touches. The
// message goes in by stdin, the signature comes out by stdout.
func (k *agentKey) byKeygen(ctx context.Context, namespace string, message []byte) (*trust.Signature, error) {
	cmd := exec.CommandContext(ctx, "ssh-keygen", "-q", "-Y", "sign", "-f", k.file, "-n", namespace)
	cmd.Env = slices.Clone(k.ring.Environ)
	if !k.ring.Ask { // never wait for somebody who is not there
		cmd.Env = append(cmd.Env, "SSH_ASKPASS=false", "SSH_ASKPASS_REQUIRE=force", "DISPLAY=")
	}
	cmd.WaitDelay = time.Second
	var out bytes.Buffer
	cmd.Stdin, cmd.Stdout = bytes.NewReader(message), &out
	if err := cmd.Run(); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return nil, errors.New("there is no ssh-keygen")
		}
		return nil, errors.New("ssh-keygen could not sign with it")
	}
	blob, err := trust.Dearmor(out.Bytes())
	if err != nil {
		return nil, err
	}
	return trust.ParseSignature(blob)
}

// Getenv returns the value of a variable of an environment; the last one counts.
func Getenv(environ []string, name string) string {
	for _, kv := range slices.Backward(environ) {
		if k, v, _ := strings.Cut(kv, "="); k == name {
			return v
		}
	}
	return ""
}
