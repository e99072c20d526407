package board

import (
	"net/http"

	"github.com/seed-afe14ff2/aggregator/api"
)

func serveOpenAPI(w http.ResponseWriter, r *http.Request) {
	if _, err := parseQuery(r, nil); err != nil {
		problem(err).Write(w)
		return
	}
	secure(w)
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(api.OpenAPI()) // whoever asked has gone
}
