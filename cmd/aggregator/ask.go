package main

import (
	"errors"
	"flag"
	"fmt"
	"net"

	"github.com/seed-afe14ff2/aggregator/internal/client"
	"github.com/seed-afe14ff2/aggregator/internal/console"
	"github.com/seed-afe14ff2/aggregator/internal/httpserver"
	"github.com/seed-afe14ff2/aggregator/internal/terminal"
)

// addrVariable is the environment variable for -addr. It is no key of the config: `run` has no use for it.
const addrVariable = envPrefix + "ADDR"

// askMore is what -h says of every command that asks a running service.
const askMore = `
It asks a process of aggregator run, which answers for its whole group: at -addr, else at
AGGREGATOR_ADDR, else at http.listen of -config or of AGGREGATOR_HTTP_LISTEN, else at 127.0.0.1:8080.
The token, if one is wanted, is that of -token-file, else of AGGREGATOR_HTTP_TOKEN or
AGGREGATOR_HTTP_TOKEN_FILE, else of http.token or http.token_file of -config.`

// asking is how a command reaches a running service, and in which form it prints what that says.
type asking struct {
	addr, tokenFile, config string
	json                    bool
}

func (a *asking) flags(fs *flag.FlagSet) {
	fs.StringVar(&a.addr, "addr", "", "the `URL` of a process of the service, as http://10.0.3.17:8080")
	fs.StringVar(&a.tokenFile, "token-file", "", "the `file` with the token of the service")
	fs.StringVar(&a.config, "config", "", "the config `file` of the service: its http.listen and token are taken")
	fs.Func("o", "print as `text` (the default) or json", func(s string) error {
		if s != "text" && s != "json" {
			return errors.New("it is text or json")
		}
		a.json = s == "json"
		return nil
	})
}

// client is one of the service. Only what concerns it is read of the config: who asks may not be allowed to read the rest.
func (a *asking) client(s *session) (*client.Client, error) {
	r := newConfigReader(a.config)
	if a.config != "" {
		r.readFile()
	}
	r.readEnvironment(s)
	if a.tokenFile != "" {
		r.w.token = secret{}
	}
	r.checkToken()
	if bad := r.faults(); len(bad) > 0 {
		return nil, bad
	}
	token := r.c.auth.Token
	if a.tokenFile != "" {
		var err error
		if token, err = (&secret{file: a.tokenFile}).read(); err == nil {
			err = httpserver.CheckToken(token)
		}
		if err != nil {
			return nil, &usageError{message: "-token-file: " + err.Error()}
		}
	}
	addr, from := a.addr, "-addr"
	if addr == "" {
		addr, from = s.variable(addrVariable), addrVariable
	}
	if addr == "" {
		var err error
		if addr, err = reachable(r.c.listen); err != nil {
			return nil, &usageError{message: err.Error()}
		}
	}
	c, err := client.New(addr, token)
	if err != nil {
		return nil, &usageError{message: from + ": " + err.Error()}
	}
	return c, nil
}

// reachable is where this machine reaches what listens at an address.
func reachable(listen string) (string, error) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "", err
	}
	if port == "0" || port == "" {
		return "", errors.New("http.listen takes any port that is free: name the one that the log says by -addr")
	}
	switch ip := net.ParseIP(host); {
	case host == "", ip.Equal(net.IPv4zero):
		host = "127.0.0.1"
	case ip.Equal(net.IPv6zero):
		host = "::1"
	}
	return "http://" + net.JoinHostPort(host, port), nil
}

// answered is the error of a command to which the service answered that it was asked for what there is not.
func answered(command string, err error) error {
	if p, ok := errors.AsType[*client.Problem](err); ok && p.Parameter != "" {
		return &usageError{message: command + ": " + console.Visible(p.Detail)}
	}
	return fmt.Errorf("%s: %w", command, foreign{err})
}

// foreign is an error with words of a server, or of a proxy before it. Nothing of them acts on a terminal.
type foreign struct{ error }

func (e foreign) Error() string { return console.Visible(e.error.Error()) }
func (e foreign) Unwrap() error { return e.error }

// paper is what a command prints on.
func (s *session) paper() *console.Paper {
	columns, _ := terminal.Size(s.out)
	return &console.Paper{W: s.out, Columns: columns, Colour: columns > 0 && !s.dumb() && s.variable("NO_COLOR") == ""}
}

// dumb reports whether the terminal knows no more than lines.
func (s *session) dumb() bool {
	term := s.variable("TERM")
	return term == "" || term == "dumb"
}
