// Argolua runs Argo CD's own Lua engine: what it makes of health checks and actions for an object.
//
// It reads one question a line, {"object", "overrides", "ask", "action"}, and writes one answer a line. The overrides
// are by group/Kind, {"healthLua", "actions"}, as Argo CD reads them from its ConfigMap; the standard library is closed
// to them, as it is in Argo CD by default. "ask" is "health" (answer: {"status", "message"}), "discover" (answer: the
// list of actions) or "run" (answer: the resources that the action named "action" creates or patches).
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log"
	"os"

	appv1 "github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"github.com/argoproj/argo-cd/v3/util/lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Override is what Argo CD's ConfigMap says of one kind.
type Override struct {
	HealthLua string `json:"healthLua"`
	Actions   string `json:"actions"`
}

// Question is an object, the scripts there are, and what is asked about it.
type Question struct {
	Object    map[string]any      `json:"object"`
	Overrides map[string]Override `json:"overrides"`
	Ask       string              `json:"ask"`
	Action    string              `json:"action"`
}

// Answer is what the engine says, or its error.
type Answer struct {
	Result any    `json:"result"`
	Error  string `json:"error,omitempty"`
}

func overrides(given map[string]Override) map[string]appv1.ResourceOverride {
	made := make(map[string]appv1.ResourceOverride, len(given))
	for key, each := range given {
		made[key] = appv1.ResourceOverride{HealthLua: each.HealthLua, Actions: each.Actions}
	}
	return made
}

func answer(question Question) (any, error) {
	object := &unstructured.Unstructured{Object: question.Object}
	scripts := overrides(question.Overrides)
	vm := lua.VM{ResourceOverrides: scripts}
	switch question.Ask {
	case "health":
		return lua.ResourceHealthOverrides(scripts).GetResourceHealth(object)
	case "discover":
		discovery, err := vm.GetResourceActionDiscovery(object)
		if err != nil {
			return nil, err
		}
		return vm.ExecuteResourceActionDiscovery(object, discovery)
	case "run":
		action, err := vm.GetResourceAction(object, question.Action)
		if err != nil {
			return nil, err
		}
		return vm.ExecuteResourceAction(object, action.ActionLua, nil)
	}
	return nil, fmt.Errorf("unknown question %q", question.Ask)
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	encoder := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var question Question
		if err := json.Unmarshal(lines.Bytes(), &question); err != nil {
			log.Fatalf("no question: %v: %s", err, lines.Text())
		}
		result, err := answer(question)
		told := Answer{Result: result}
		if err != nil {
			told = Answer{Error: err.Error()}
		}
		if err := encoder.Encode(told); err != nil {
			log.Fatal(err)
		}
	}
	if err := lines.Err(); err != nil {
		log.Fatal(err)
	}
}
