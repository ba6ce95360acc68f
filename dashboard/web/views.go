package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/git-crosslink/git-crosslink/dashboard/db"
)

// The bounds of a saved view.
const (
	maxViewName = 60
	maxViewPath = 2000
)

// saveView saves a page of the dashboard under a name.
func (s *Server) saveView(r *request) error {
	v := db.View{Name: strings.Join(strings.Fields(r.PostForm.Get("name")), " "), Path: r.PostForm.Get("path")}
	if v.Name == "" || utf8.RuneCountInString(v.Name) > maxViewName {
		return refuse(http.StatusBadRequest, "the name of a view has 1 to %d characters", maxViewName)
	}
	u, err := url.Parse(v.Path)
	if err != nil || len(v.Path) > maxViewPath || u.Scheme != "" || u.Host != "" || !s.isPage(u) {
		return refuse(http.StatusBadRequest, "%q is no page of the dashboard", clean(v.Path))
	}
	v.Path = u.RequestURI()
	return s.did(r, "", "save view", v.Name, v.Path, func(ctx context.Context) error {
		err := s.DB.SaveView(ctx, v)
		if errors.Is(err, db.ErrFull) {
			return refuse(http.StatusConflict, "%d views are saved already: remove one first", db.MaxViews)
		}
		return err
	})
}

// isPage reports whether a URL is that of a page.
func (s *Server) isPage(u *url.URL) bool {
	if !strings.HasPrefix(u.Path, "/") || u.Path != u.EscapedPath() {
		return false
	}
	r := s.guard.Find(u)
	return r != nil && r.AlsoJSON
}

// removeView removes a saved view.
func (s *Server) removeView(r *request) error {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return refuse(http.StatusNotFound, "there is no view %q", r.PathValue("id"))
	}
	return s.did(r, "", "remove view", fmt.Sprintf("view %d", id), "/more", func(ctx context.Context) error {
		err := s.DB.RemoveView(ctx, id)
		if errors.Is(err, db.ErrNotFound) {
			return refuse(http.StatusNotFound, "there is no view %d", id)
		}
		return err
	})
}

// saver is the form that saves the page on which it is.
type saver struct {
	Path, Name, Request string
	ID                  int64 // of the view that is this page; 0 is none
}

// saverOf is the form for a page.
func saverOf(l layout) saver {
	f := saver{Path: l.Here(), Request: l.Request}
	if k := slices.IndexFunc(l.Frame.Views, func(v db.View) bool { return v.Path == f.Path }); k >= 0 {
		f.ID, f.Name = l.Frame.Views[k].ID, l.Frame.Views[k].Name
	}
	return f
}
