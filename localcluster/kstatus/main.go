// Kstatus says how an object stands, by the rules that Helm, Flux and other tools share.
//
// It reads one object a line and writes one answer a line, {"status", "message"}; the status is one of InProgress,
// Failed, Current, Terminating, NotFound and Unknown.
package main

import (
	"bufio"
	"encoding/json"
	"log"
	"os"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Answer is how an object stands, and why.
type Answer struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	encoder := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		object := &unstructured.Unstructured{}
		if err := object.UnmarshalJSON(lines.Bytes()); err != nil {
			log.Fatalf("no object: %v: %s", err, lines.Text())
		}
		found, err := status.Compute(object)
		if err != nil {
			log.Fatal(err)
		}
		if err := encoder.Encode(Answer{Status: found.Status.String(), Message: found.Message}); err != nil {
			log.Fatal(err)
		}
	}
	if err := lines.Err(); err != nil {
		log.Fatal(err)
	}
}
