package guard

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Proxies are the addresses of the proxies through which all requests come.
type Proxies []netip.Prefix

// has reports whether an address is one of a proxy.
func (p Proxies) has(at netip.Addr) bool {
	return slices.ContainsFunc(p, func(x netip.Prefix) bool { return x.Contains(at.Unmap()) })
}

// checkPeer refuses who is no proxy where there is one, and finds out for whom a proxy
// asks: the last address that is not one of a proxy. What stands before it in the
// header is the word of anybody who that is. Who opens a socket of this machine has no
// address, and is a proxy.
func (g *Guard) checkPeer(r *Request) error {
	if g.o.Proxies == nil {
		return nil
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err == nil && !g.o.Proxies.has(peer.Addr()) {
		return Refuse(http.StatusForbidden, "the request does not come through the proxy")
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		at, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			break // nothing before it can be believed
		}
		r.RemoteAddr = netip.AddrPortFrom(at, 0).String()
		if !g.o.Proxies.has(at) {
			break
		}
	}
	return nil
}
