package httpserver

import (
	"net/http"
	"path"
	"strings"
)

// api is where the paths of the API begin.
const api = "/api/"

// plainPaths refuses paths of the API with //, . or .. in them. Go's mux would send whoever asks to another path, which has another answer: such
// an id belongs into a query.
func plainPaths(inner http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked := r.URL.EscapedPath()
		plain := cleaned(asked)
		if !strings.HasPrefix(asked+"/", api) && !strings.HasPrefix(plain+"/", api) || plain == asked && asked+"/" != api {
			inner.ServeHTTP(w, r)
			return
		}
		if r.Method != http.MethodGet {
			w.Header().Set("Allow", http.MethodGet)
			NewProblem(http.StatusMethodNotAllowed, "only GET is answered: the API changes nothing").Write(w)
			return
		}
		NewProblem(http.StatusNotFound, "there is nothing at this path: percent-encode ids, slashes too, and give those with //, . or .. "+
			"in a query: /api/v1/subject?by=KIND&id=ID, /api/v1/crossing?id=ID").Write(w)
	})
}

// cleaned is a path as Go's mux wants it.
func cleaned(asked string) string {
	plain := path.Clean("/" + asked)
	if strings.HasSuffix(asked, "/") && plain != "/" {
		plain += "/"
	}
	return plain
}
