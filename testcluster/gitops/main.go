// What Argo CD and Flux make of objects, by their own code: one JSON object a line in, one answer a line out.
// With an argument: whether the JSON on standard input is a Kustomization of Flux, without unknown fields.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"log"
	"os"

	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"github.com/argoproj/argo-cd/v3/util/lua"
	"github.com/argoproj/gitops-engine/pkg/health"
	jsonpatch "github.com/evanphx/json-patch"
	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	"github.com/fluxcd/pkg/apis/kustomize"
	"github.com/fluxcd/pkg/runtime/cel"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// The question: Argo CD's health and actions as its ConfigMap has them, Flux's expressions, and the object.
type question struct {
	Health  string                           `json:"health"`
	Actions string                           `json:"actions"`
	Exprs   kustomize.HealthCheckExpressions `json:"exprs"`
	Object  json.RawMessage                  `json:"object"`
}

type said struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

type answer struct {
	Argo    said                       `json:"argo"`
	Enabled []string                   `json:"enabled"`
	Patches map[string]json.RawMessage `json:"patches"`
	Errors  map[string]string          `json:"errors"`
	Kstatus said                       `json:"kstatus"`
	Flux    said                       `json:"flux"`
}

func main() {
	if len(os.Args) > 1 {
		decoder := json.NewDecoder(os.Stdin)
		decoder.DisallowUnknownFields()
		must(decoder.Decode(&kustomizev1.Kustomization{}))
		return
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var asked question
		must(json.Unmarshal(lines.Bytes(), &asked))
		must(out.Encode(answered(asked)))
	}
	must(lines.Err())
}

func answered(asked question) answer {
	object := &unstructured.Unstructured{}
	must(object.UnmarshalJSON(asked.Object))
	found := answer{Patches: map[string]json.RawMessage{}, Errors: map[string]string{}}
	argo(asked, object, &found)
	result, err := status.Compute(object)
	must(err)
	found.Kstatus = said{string(result.Status), result.Message}
	evaluator, err := cel.NewStatusEvaluator(&asked.Exprs)
	must(err)
	if result, err = evaluator.Evaluate(context.Background(), object); err != nil {
		found.Flux = said{"", err.Error()}
	} else {
		found.Flux = said{string(result.Status), result.Message}
	}
	return found
}

func argo(asked question, object *unstructured.Unstructured, found *answer) {
	key := lua.GetConfigMapKey(object.GroupVersionKind())
	overrides := map[string]v1alpha1.ResourceOverride{key: {HealthLua: asked.Health, Actions: asked.Actions}}
	told, err := health.GetResourceHealth(object, lua.ResourceHealthOverrides(overrides))
	must(err)
	found.Argo = said{string(told.Status), told.Message}
	vm := lua.VM{ResourceOverrides: overrides}
	scripts, err := vm.GetResourceActionDiscovery(object)
	must(err)
	actions, err := vm.ExecuteResourceActionDiscovery(object, scripts)
	must(err)
	for _, one := range actions {
		if !one.Disabled {
			found.Enabled = append(found.Enabled, one.Name)
		}
		patch, err := patched(vm, object, one.Name)
		if err != nil {
			found.Errors[one.Name] = err.Error()
			continue
		}
		found.Patches[one.Name] = patch
	}
}

// What Argo CD's server would send: see RunResourceAction and patchResource of its application.go.
func patched(vm lua.VM, object *unstructured.Unstructured, action string) (json.RawMessage, error) {
	definition, err := vm.GetResourceAction(object, action)
	if err != nil {
		return nil, err
	}
	changed, err := vm.ExecuteResourceAction(object, definition.ActionLua, nil)
	if err != nil {
		return nil, err
	}
	before, err := json.Marshal(object)
	must(err)
	after, err := json.Marshal(changed[0].UnstructuredObj)
	must(err)
	patch, err := jsonpatch.CreateMergePatch(before, after)
	return bytes.TrimSpace(patch), err
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
