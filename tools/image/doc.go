// Command image builds the container image without a container engine: the program, compiled for each
// platform, the licenses and the certificates of the public authorities. Nothing else is in it.
//
// It writes an OCI image layout, an archive for docker load and an SBOM for each platform. It pushes the
// image if it is told where to.
//
// The same commit and the same Go make the same digest on every machine. So nothing comes from the machine:
// the certificates are those of a Go module, times are the commit's, and files are in a fixed order.
//
// It is a module of its own, since the service needs nothing of what it imports.
package main
