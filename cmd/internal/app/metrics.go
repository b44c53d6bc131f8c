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
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "pipebot_build_info", Help: "Always 1; the label tells the version.", ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	m.registry.MustRegister(m.gitlabRequests, m.slackRequests, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// watch shows what is read at each scrape.
func (m *metrics) watch(connected func() bool, live, behind func() int) {
	m.registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "pipebot_slack_connected", Help: "1 while the Socket Mode connection stands."},
			func() float64 {
				if connected() {
					return 1
				}
				return 0
			}),
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
