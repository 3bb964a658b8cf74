// One binary for every Kubernetes program of the test cluster:
//
//	testcluster etcd|kube-apiserver|kube-controller-manager|kube-scheduler|kubelet|kube-proxy|kubectl FLAGS
//
// A link that is named as one of them is that program.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	kubectl "k8s.io/kubectl/pkg/cmd"
	kubectlutil "k8s.io/kubectl/pkg/cmd/util"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

// A constructor, not a command: building one registers flags and metrics of that program.
var programs = map[string]func() *cobra.Command{
	"kube-apiserver":          apiserver.NewAPIServerCommand,
	"kube-controller-manager": controllermanager.NewControllerManagerCommand,
	"kube-scheduler":          func() *cobra.Command { return scheduler.NewSchedulerCommand() },
	"kube-proxy":              proxy.NewProxyCommand,
	"kubelet":                 func() *cobra.Command { return kubelet.NewKubeletCommand(context.Background()) },
}

const usage = `usage: testcluster PROGRAM FLAGS

PROGRAM is etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kubelet, kube-proxy or
kubectl; "testcluster PROGRAM --help" lists its flags. A link that is named as one of them is that
program: "ln -s testcluster kubectl".
`

func isProgram(name string) bool {
	_, known := programs[name]
	return known || name == "etcd" || name == "kubectl"
}

func main() {
	if !isProgram(filepath.Base(os.Args[0])) {
		if len(os.Args) < 2 {
			fmt.Fprint(os.Stderr, usage)
			os.Exit(2)
		}
		os.Args = os.Args[1:]
	}
	switch name := filepath.Base(os.Args[0]); name {
	case "etcd":
		etcdmain.Main(os.Args)
	case "kubectl":
		if err := cli.RunNoErrOutput(kubectl.NewDefaultKubectlCommand()); err != nil {
			kubectlutil.CheckErr(err)
		}
	case "-h", "--help", "help":
		fmt.Print(usage)
	default:
		if !isProgram(name) {
			fmt.Fprintf(os.Stderr, "testcluster: unknown program %q\n\n%s", name, usage)
			os.Exit(2)
		}
		os.Exit(cli.Run(programs[name]()))
	}
}
