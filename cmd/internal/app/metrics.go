package app

import (
	"net/http"
	"path"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are what /metrics shows. Labels are names of operations and statuses:
// nothing that people typed, and no project.
type metrics struct {
	registry       *prometheus.Registry
	gitlabRequests *prometheus.HistogramVec
	slackRequests  *prometheus.HistogramVec
	appConnections prometheus.Gauge
}

func newMetrics(version string) *metrics {
	buckets := []float64{.01, .05, .1, .25, .5, 1, 2.5, 5, 10, 20}
	m := &metrics{
		registry: prometheus.NewRegistry(),
		gitlabRequests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "pipebot_gitlab_request_seconds", Help: "Requests to GitLab by operation and HTTP status (0: no answer).", Buckets: buckets,
		}, []string{"operation", "status"}),
		slackRequests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "pipebot_slack_request_seconds", Help: "Requests to Slack's Web API by method and HTTP status (0: no answer).", Buckets: buckets,
		}, []string{"method", "status"}),
		appConnections: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "pipebot_slack_app_connections", Help: "Socket Mode connections of the app, of all its processes, at the last hello; Slack allows 10.",
		}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "pipebot_build_info", Help: "Always 1; the label tells the version.", ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	m.registry.MustRegister(m.gitlabRequests, m.slackRequests, m.appConnections, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// watch shows what is read at each scrape.
func (m *metrics) watch(connections func() (standing int, fault error), live, behind func() int) {
	standing := func() float64 { n, _ := connections(); return float64(n) }
	m.registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "pipebot_slack_connected", Help: "1 while a Socket Mode connection stands."},
			func() float64 { return min(1, standing()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "pipebot_slack_connections", Help: "Socket Mode connections of this process that stand: 2, if all is well."},
			standing),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "pipebot_runs_live", Help: "Runs that are not at rest."},
			func() float64 { return float64(live()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "pipebot_runs_behind", Help: "Runs whose newest state Slack does not show yet."},
			func() float64 { return float64(behind()) }),
	)
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

func (m *metrics) gitlab(op string, status int, took time.Duration) {
	m.gitlabRequests.WithLabelValues(op, strconv.Itoa(status)).Observe(took.Seconds())
}

// slack measures the requests that go through next.
func (m *metrics) slack(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		begin := time.Now()
		response, err := next.RoundTrip(r)
		status := 0
		if response != nil {
			status = response.StatusCode
		}
		m.slackRequests.WithLabelValues(path.Base(r.URL.Path), strconv.Itoa(status)).Observe(time.Since(begin).Seconds())
		return response, err
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip calls the function.
func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
