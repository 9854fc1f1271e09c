// Package companions compiles the Gateway API's own suite into one executable.
package companions

import (
	"fmt"
	"testing"

	"sigs.k8s.io/gateway-api/conformance"
	"sigs.k8s.io/gateway-api/conformance/tests"
)

func TestConformance(t *testing.T) { conformance.RunConformance(t) }

// TestNames prints every test of the suite with the features that it needs; no cluster is asked.
func TestNames(t *testing.T) {
	for _, test := range tests.ConformanceTests {
		fmt.Println(test.ShortName, test.Features)
	}
}
