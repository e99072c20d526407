package apitest

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"

	"github.com/seed-afe14ff2/aggregator/api"
)

var document = sync.OnceValues(func() (validator.Validator, error) {
	doc, err := libopenapi.NewDocument(api.OpenAPI())
	if err != nil {
		return nil, err
	}
	v, faults := validator.NewValidator(doc)
	return v, errors.Join(faults...)
})

// OpenAPI is the validator of the API's document.
func OpenAPI(tb testing.TB) validator.Validator {
	tb.Helper()
	v, err := document()
	if err != nil {
		tb.Fatal("api/openapi.json: ", err)
	}
	return v
}

// CheckAnswer fails a test if an answer to a GET is not as the API's document says. Paths that it does not have are held against nothing.
// The body is read.
func CheckAnswer(tb testing.TB, req *http.Request, res *http.Response) {
	tb.Helper()
	if req.Method != http.MethodGet || strings.HasSuffix(req.URL.Path, "/") { // which is another path, though not for the validator
		return
	}
	v, err := document()
	if err != nil {
		tb.Error("api/openapi.json: ", err) // who answers in a test has no Fatal
		return
	}
	ok, faults := v.ValidateHttpResponse(req, res)
	for _, f := range faults {
		if !ok && f.ValidationType != "path" {
			tb.Errorf("%s: the answer is not as documented: %s: %s %v", req.URL, f.Message, f.Reason, f.SchemaValidationErrors)
		}
	}
}
