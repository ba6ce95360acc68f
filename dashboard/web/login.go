package web

import (
	"net/http"
	"strings"
	"time"

	"github.com/git-crosslink/git-crosslink/dashboard/db"
	"github.com/git-crosslink/git-crosslink/dashboard/guard"
)

func (s *Server) loginPage(r *request) error {
	return s.render(r, "login", "Log in", nil)
}

// login exchanges a code for a session.
func (s *Server) login(r *request) error {
	if err := s.guard.Enter(strings.TrimSpace(r.PostForm.Get("code"))); err != nil {
		return err
	}
	value := guard.Secret(32) // a new one at each login: nobody can have chosen it
	agent := r.UserAgent()
	if len(agent) > 200 {
		agent = agent[:200]
	}
	if err := s.DB.AddSession(r.Context(), db.Session{Hash: guard.HashOf(value), Scope: "act", UserAgent: clean(agent)}); err != nil {
		return err
	}
	s.setCookie(r, value, int(time.Duration(db.SessionIdle).Seconds()))
	return s.to(r, "/", nil)
}

func (s *Server) logout(r *request) error {
	if err := s.DB.EndSession(r.Context(), r.Session.Hash); err != nil {
		return err
	}
	s.Changed() // its streams end
	s.setCookie(r, "", -1)
	return s.to(r, "/login", nil)
}

func (s *Server) setCookie(r *request, value string, age int) {
	http.SetCookie(r.W, &http.Cookie{Name: s.Cookie, Value: value, Path: s.Path + "/", MaxAge: age, HttpOnly: true,
		SameSite: http.SameSiteStrictMode, Secure: strings.HasPrefix(s.Base, "https:")})
}
