package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/seed-afe14ff2/aggregator/internal/strictyaml"
)

// command is a subcommand.
type command struct {
	name, args string
	about      string // one line
	more       string // what -h adds, "" for nothing
	// flags defines the flags, and returns what runs the command once they and
	// the arguments after them are read.
	flags func(fs *flag.FlagSet) runner
	// most is how many arguments may follow the flags.
	most int
}

type runner func(ctx context.Context, s *session, args []string) error

// commands are all subcommands, in the order in which usage lists them.
func commands() []*command {
	return []*command{
		demoCommand, runCommand, replayCommand, checkCommand, rulesCommand, topicsCommand,
		statusCommand, topCommand, showCommand, crossingsCommand, notifyCommand, verifyCommand, dlqCommand, versionCommand,
	}
}

// command finds and runs a subcommand.
func (s *session) command(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return &usageError{"a command is missing", usage()}
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		return s.help(args[1:])
	case "-v", "-V", "-version", "--version":
		args = append([]string{versionCommand.name}, args[1:]...)
	}
	c, err := lookUp(args[0])
	if err != nil {
		return err
	}
	return c.run(ctx, s, args[1:])
}

func lookUp(name string) (*command, error) {
	var names []string
	for _, c := range commands() {
		if c.name == name {
			return c, nil
		}
		names = append(names, c.name)
	}
	return nil, &usageError{fmt.Sprintf("there is no command %q%s", name, strictyaml.DidYouMean(name, names)), usage()}
}

// help prints the usage, or a command's.
func (s *session) help(args []string) error {
	text := usage() + "\n"
	if len(args) > 0 && !slices.Contains([]string{"-h", "-help", "--help"}, args[0]) {
		c, err := lookUp(args[0])
		if err != nil {
			return err
		}
		fs, _ := c.flagSet()
		text = c.usage(fs)
	}
	_, err := io.WriteString(s.out, text)
	return err
}

// usage lists the commands.
func usage() string {
	var b strings.Builder
	b.WriteString("usage: aggregator COMMAND [flags] [arguments]\n\ncommands:\n")
	for _, c := range commands() {
		fmt.Fprintf(&b, "  %-10s %s\n", c.name, c.about)
	}
	b.WriteString("\n`aggregator COMMAND -h` says more about one.")
	return b.String()
}

func (c *command) run(ctx context.Context, s *session, args []string) error {
	fs, run := c.flagSet()
	hint := fmt.Sprintf("usage: aggregator %s (`aggregator %s -h` says more)", strings.TrimSpace(c.name+" "+c.args), c.name)
	err := fs.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		_, err := io.WriteString(s.out, c.usage(fs))
		return err
	}
	if err != nil {
		return &usageError{c.name + ": " + err.Error() + nearestFlag(fs, err), hint}
	}
	if extra := fs.Args(); len(extra) > c.most {
		message := fmt.Sprintf("%s: %q is one argument too many", c.name, extra[c.most])
		if slices.ContainsFunc(extra, func(a string) bool { return strings.HasPrefix(a, "-") && a != "-" }) {
			message += "; flags come before the other arguments"
		} else if fs.Lookup("rules") != nil && c.most == 0 {
			message += "; a pack is named by -rules"
		}
		return &usageError{message, hint}
	}
	err = run(ctx, s, fs.Args())
	if usage, ok := errors.AsType[*usageError](err); ok && usage.hint == "" {
		usage.hint = hint
	}
	return err
}

func (c *command) flagSet() (*flag.FlagSet, runner) {
	fs := flag.NewFlagSet(c.name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	return fs, c.flags(fs)
}

// usage is what -h prints.
func (c *command) usage(fs *flag.FlagSet) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "usage: aggregator %s\n\n%s\n", strings.TrimSpace(c.name+" "+c.args), sentence(c.about))
	if c.more != "" {
		fmt.Fprintf(&b, "\n%s\n", strings.TrimSpace(c.more))
	}
	n := 0
	fs.VisitAll(func(*flag.Flag) { n++ })
	if n > 0 {
		b.WriteString("\nflags, which come before other arguments:\n")
		fs.SetOutput(&b)
		fs.PrintDefaults()
		fs.SetOutput(io.Discard)
	}
	return b.String()
}

func sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] + "." }

// nearestFlag is a hint for a flag that there is not.
func nearestFlag(fs *flag.FlagSet, err error) string {
	given, unknown := strings.CutPrefix(err.Error(), "flag provided but not defined: -")
	if !unknown {
		return ""
	}
	var names []string
	fs.VisitAll(func(f *flag.Flag) { names = append(names, "-"+f.Name) })
	return strictyaml.DidYouMean("-"+strings.TrimPrefix(given, "-"), names)
}

// texts is a flag that may be given several times.
type texts []string

func (t *texts) String() string { return strings.Join(*t, ",") }

// Set adds one.
func (t *texts) Set(s string) error {
	*t = append(*t, s)
	return nil
}
