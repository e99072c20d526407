// Package api holds the contract in a form that programs read: JSON Schemas of what comes in and goes out, AsyncAPI of
// the topics, OpenAPI of the HTTP API.
//
// The files refer to each other, so that nothing is said twice: the record of a crossing is described once, in
// crossing.schema.json. Each path is part of the contract, since the header ce_dataschema and editors name it.
//
//	event.schema.json      the value of a record of events
//	crossing.schema.json   the value of a record of crossings
//	pack.schema.json       a pack of rules; editors complete and check by it
//	asyncapi.yaml          the topics: keys, headers, values
//	openapi.json           /api/v1
//
// The tests hold each of them against what decides in the code, and with make install's tools against its own standard.
package api
