package post

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
)

// Server is one that requests go to, of an API whose answers are known.
//
// Something else may answer in its place, above all with 400: a server of TLS that is told by http, or a proxy. To believe it would
// lose everything. So a 400 is final only from a server that has taken something, or by a body as the API writes it.
type Server struct {
	Client *Client
	Own    func(body []byte) bool // reports whether a body of a 400 is as the API writes it
	Setup  func(body []byte) bool // reports whether it is about what all requests have, as a key; nil: it never is

	taken atomic.Bool
}

// Do is Client's.
func (s *Server) Do(ctx context.Context, to, contentType string, body []byte) error {
	err := s.Client.Do(ctx, to, contentType, body)
	if err == nil {
		s.taken.Store(true)
		return nil
	}
	if a, is := errors.AsType[*Answer](err); is && a.Status == http.StatusBadRequest {
		doubtful := !s.taken.Load() && !s.Own(a.body) || s.Setup != nil && s.Setup(a.body)
		a.doubtful = a.doubtful || doubtful
	}
	return err
}
