// CoreDNS with the plugins that a cluster's names need, and none of the clouds'.
package main

import (
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/ready"
)

func main() {
	// The list is also the order in which a query passes the plugins.
	dnsserver.Directives = []string{"ready", "errors", "kubernetes"}
	coremain.Run()
}
