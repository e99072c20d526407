// Package httpserver is the program's HTTP server: the probes, the metrics, and what guards them.
//
// Server listens and bounds its clients: every wait has a time limit, and the number of open
// connections is limited. So probes are answered, and Kafka and Redis keep their descriptors. Auth
// decides who may ask: by token, by the Host and the Origin of a request. Readiness answers
// /readyz. Whatever else is served is registered on the mux of NewHandler, and is guarded in the
// same way.
package httpserver
