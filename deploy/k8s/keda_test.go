package k8s

import (
	"slices"
	"strings"
	"testing"
)

// scaledObject is what the tests look at of one.
type scaledObject struct {
	Spec struct {
		ScaleTargetRef struct {
			Name string `yaml:"name"`
		} `yaml:"scaleTargetRef"`
		Min      int `yaml:"minReplicaCount"`
		Triggers []struct {
			Type     string            `yaml:"type"`
			Metadata map[string]string `yaml:"metadata"`
			Auth     struct {
				Name string `yaml:"name"`
			} `yaml:"authenticationRef"`
		} `yaml:"triggers"`
	} `yaml:"spec"`
}

type triggerAuthentication struct {
	object `yaml:",inline"`
	Spec   struct {
		Secrets []struct {
			Parameter string `yaml:"parameter"`
			Name      string `yaml:"name"`
			Key       string `yaml:"key"`
		} `yaml:"secretTargetRef"`
	} `yaml:"spec"`
}

// What KEDA 2.21 reads of a kafka trigger and of its authentication. The definition of a ScaledObject does not say: to an
// API server it is text.
var (
	kafkaTrigger = strings.Fields(`bootstrapServers consumerGroup topic lagThreshold activationLagThreshold offsetResetPolicy
		allowIdleConsumers scaleToZeroOnInvalidOffset excludePersistentLag limitToPartitionsWithLag ensureEvenDistributionOfPartitions
		version fullMetadata partitionLimitation sasl saslTokenProvider tls unsafeSsl awsRegion`)
	kafkaAuthentication = strings.Fields(`sasl saslTokenProvider username password keytab realm kerberosConfig kerberosServiceName
		kerberosDisableFAST oauthTokenEndpointUri scopes oauthExtensions tls ca cert key keyPassword awsRoleArn awsAccessKeyID awsSecretAccessKey`)
)

// TestScaledObject: KEDA asks the program's Kafka for the program's lag.
func TestScaledObject(t *testing.T) {
	for _, v := range variants {
		if !v.with("keda") {
			continue
		}
		all := render(t, v.prepare(t))
		s := foundLoosely[scaledObject](t, all, "ScaledObject").Spec
		_, c := all.configOf(t)
		if s.ScaleTargetRef.Name != "aggregator" || s.Min < 2 || len(s.Triggers) != 1 || s.Triggers[0].Type != "kafka" {
			t.Fatalf("%v: %+v", v, s)
		}
		asked := s.Triggers[0].Metadata
		for key := range asked {
			if !slices.Contains(kafkaTrigger, key) {
				t.Errorf("%v: KEDA knows no %s", v, key)
			}
		}
		f := func(key, want string) {
			t.Helper()
			if asked[key] != want {
				t.Errorf("%v: %s is %q, want %q", v, key, asked[key], want)
			}
		}
		f("bootstrapServers", strings.Join(c.Kafka.Brokers, ","))
		f("consumerGroup", c.Kafka.Group)
		f("topic", strings.Join(c.Kafka.Events, ","))
		f("offsetResetPolicy", "earliest")
		f("fullMetadata", "false")
		f("version", "2.8.0")
		if v.with("keda-tls-sasl") {
			f("tls", "enable")
			f("sasl", "scram_sha512")
			checkAuthentication(t, v, all, s.Triggers[0].Auth.Name)
		}
	}
}

// checkAuthentication: KEDA logs in with what the pods log in with.
func checkAuthentication(t *testing.T, v variant, all manifests, name string) {
	t.Helper()
	a := found[triggerAuthentication](t, all, "TriggerAuthentication")
	if a.Metadata.Name != name || len(a.Spec.Secrets) == 0 {
		t.Errorf("%v: the trigger's authentication is %q, there is %+v", v, name, a)
	}
	used := secretKeys(found[deployment](t, all, "Deployment"))
	for _, s := range a.Spec.Secrets {
		if !slices.Contains(kafkaAuthentication, s.Parameter) {
			t.Errorf("%v: KEDA knows no %s", v, s.Parameter)
		}
		if s.Name != secretName || !slices.Contains(used, s.Key) {
			t.Errorf("%v: %s/%s is not what the pods use: %q of %s", v, s.Name, s.Key, used, secretName)
		}
	}
}
