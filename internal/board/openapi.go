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
	write(w, api.OpenAPI())
}
