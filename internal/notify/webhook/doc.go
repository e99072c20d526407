// Package webhook posts crossings as structured CloudEvents, signed as Standard Webhooks says
// (https://www.standardwebhooks.com).
//
// The signature is an HMAC over three texts. The library of that project would bring no more than
// its own reading of the secret, so it is not used.
package webhook
