package api

import "embed"

// Files are the files of the contract.
//
//go:embed *.json *.yaml
var Files embed.FS

// CrossingSchema is where the schema of a crossing is, in the newest version of this repository. It is the schema's id, and
// the header ce_dataschema of each crossing. A record with another "schema" than 1 would have another one.
const CrossingSchema = Base + crossing

// Base is where the files are, in the newest version of this repository. It begins the id of each schema.
const Base = "https://raw.githubusercontent.com/seed-afe14ff2/aggregator/main/api/"

const crossing = "crossing.schema.json"

// read is one of the files.
func read(name string) []byte {
	data, err := Files.ReadFile(name)
	if err != nil {
		panic("BUG: a file of the contract is not embedded: " + err.Error())
	}
	return data
}
