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

// checkPeer accepts requests from the proxies only, if there are any, and finds the address
// for which a proxy asks: the last one in the header that is not a proxy's. The addresses
// before it were written by that client and prove nothing. A request over a unix socket has
// no address; a process that may open the socket is trusted as a proxy.
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
			break // what comes before it proves nothing
		}
		r.RemoteAddr = netip.AddrPortFrom(at, 0).String()
		if !g.o.Proxies.has(at) {
			break
		}
	}
	return nil
}
