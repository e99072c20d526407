package oracle

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// object is what stands in a JSON object: name after name, each with the texts of its values, nulls among them.
type object map[string][]json.RawMessage

// members reads a valid JSON value; of another one than an object it is nothing.
func members(value []byte) object {
	o := object{}
	d := json.NewDecoder(bytes.NewReader(value))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return o
	}
	for d.More() {
		name, _ := d.Token()
		var text json.RawMessage
		if d.Decode(&text) != nil {
			return o
		}
		o[name.(string)] = append(o[name.(string)], text)
	}
	return o
}

// has reports whether a member is there and not null.
func (o object) has(name string) bool {
	for _, text := range o[name] {
		if string(text) != "null" {
			return true
		}
	}
	return false
}

// text reads a member that must be a string, if it is there.
func (o object) text(name string) (text string, err error) {
	if o.has(name) {
		err = json.Unmarshal(o[name][0], &text)
	}
	return text, err
}

// unwrap reads a structured CloudEvent. The config's types are not known here: they stay as they are.
func unwrap(top object) (*event, error) {
	text := map[string]string{}
	for name, values := range top {
		known := strings.Contains(" specversion id source type time datacontenttype data data_base64 ", " "+name+" ")
		if known && len(values) > 1 {
			return nil, fmt.Errorf("attribute %s twice", name)
		}
		if name != "data" && checkDepth([]byte("["+string(bytes.Join(raw(values), []byte(",")))+"]")) != nil {
			return nil, errors.New("nested too deep")
		}
		if !known || name == "data" {
			continue
		}
		var err error
		if text[name], err = top.text(name); err != nil {
			return nil, fmt.Errorf("attribute %s: %w", name, err)
		}
	}
	if text["specversion"] != "1.0" || text["id"] == "" || text["source"] == "" || text["type"] == "" {
		return nil, errors.New("no envelope of CloudEvents 1.0")
	}
	data, err := dataOf(top, text["data_base64"])
	if err != nil {
		return nil, err
	}
	e, err := decodeMembers(data)
	if err != nil {
		return nil, err
	}
	return e, e.fill(text)
}

func raw(values []json.RawMessage) (list [][]byte) {
	for _, v := range values {
		list = append(list, v)
	}
	return list
}

// dataOf is the event in an envelope, as JSON.
func dataOf(top object, encoded string) ([]byte, error) {
	if top.has("data") == top.has("data_base64") {
		return nil, errors.New("not one of data and data_base64")
	}
	data := []byte(nil)
	if top.has("data") {
		data = top["data"][0]
	} else {
		var err error
		if data, err = base64.StdEncoding.DecodeString(encoded); err != nil || base64.StdEncoding.EncodeToString(data) != encoded {
			return nil, errors.New("not base64")
		}
	}
	if err := sound(data); err != nil {
		return nil, err
	}
	return data, checkDepth(data)
}

// fill takes from the envelope what the event lacks.
func (e *event) fill(text map[string]string) error {
	e.identity = "own " + e.id()
	if e.id() == "" {
		if len(text["source"]) > 1024 {
			return errors.New("long source")
		}
		e.identity = "of " + text["source"] + " " + text["id"]
		if err := e.set("id", text["id"]); err != nil {
			return err
		}
	}
	if e.kind() == "" {
		if err := e.set("type", text["type"]); err != nil {
			return err
		}
	}
	if e.time.IsZero() {
		if err := e.set("time", text["time"]); err != nil {
			return err
		}
	}
	return e.whole()
}
