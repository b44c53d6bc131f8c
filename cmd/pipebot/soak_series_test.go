package main_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// sample is what a process says that it needs at one time.
type sample struct {
	at time.Duration // since the first
	// Megabytes: resident, and in use on Go's heap.
	resident, heap    float64
	goroutines, files float64
	// So far.
	gitlab, slack float64
}

// sampleOf reads the page of /metrics, in Prometheus' text format.
func sampleOf(at time.Duration, page string) sample {
	sums := make(map[string]float64)
	for line := range strings.Lines(page) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		if i := strings.LastIndex(line, "} "); i >= 0 { // labels may have spaces in them
			value = strings.TrimSpace(line[i+2:])
		}
		name, _, _ = strings.Cut(name, "{")
		if number, err := strconv.ParseFloat(value, 64); err == nil {
			sums[name] += number
		}
	}
	const mega = 1 << 20
	return sample{
		at: at, resident: sums["process_resident_memory_bytes"] / mega, heap: sums["go_memstats_heap_inuse_bytes"] / mega,
		goroutines: sums["go_goroutines"], files: sums["process_open_fds"],
		gitlab: sums["pipebot_gitlab_request_seconds_count"], slack: sums["pipebot_slack_request_seconds_count"],
	}
}

// series are the samples of a soak, in order.
type series []sample

// growth names what grows: where the median of the last quarter is above that of the
// second one by more than a tenth and a little. The first quarter does not count, since
// caches fill and Go's heap finds its size. The medians leave out what garbage collection
// and single bursts do, and the little is what a few requests in flight need. Memory is left
// out on demand.
func (s series) growth(memory bool) []string {
	limits := []struct {
		what   string
		of     func(sample) float64
		little float64
	}{
		{"resident memory (MB)", func(x sample) float64 { return x.resident }, 8},
		{"heap (MB)", func(x sample) float64 { return x.heap }, 8},
		{"goroutines", func(x sample) float64 { return x.goroutines }, 20},
		{"open files", func(x sample) float64 { return x.files }, 10},
	}
	if !memory {
		limits = limits[2:]
	}
	quarter := len(s) / 4
	if quarter == 0 {
		return []string{"there are too few samples to tell"}
	}
	var grown []string
	for _, l := range limits {
		before, after := s[quarter:2*quarter].median(l.of), s[len(s)-quarter:].median(l.of)
		if after > 1.1*before+l.little {
			grown = append(grown, fmt.Sprintf("%s: %.0f in the second quarter and %.0f in the last", l.what, before, after))
		}
	}
	return grown
}

func (s series) median(of func(sample) float64) float64 {
	values := make([]float64, len(s))
	for i, x := range s {
		values[i] = of(x)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// table has a line for each so long: the medians, and the requests of that time.
func (s series) table(each time.Duration) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%9s %12s %8s %11s %6s %15s %14s\n", "until", "resident MB", "heap MB", "goroutines", "files", "GitLab requests", "Slack requests")
	for begin := 0; begin+1 < len(s); {
		end := begin + 1
		for end+1 < len(s) && s[end].at < s[begin].at+each-each/20 {
			end++
		}
		line := s[begin : end+1]
		fmt.Fprintf(&b, "%9s %12.0f %8.0f %11.0f %6.0f %15.0f %14.0f\n", s[end].at.Round(time.Second/10),
			line.median(func(x sample) float64 { return x.resident }), line.median(func(x sample) float64 { return x.heap }),
			line.median(func(x sample) float64 { return x.goroutines }), line.median(func(x sample) float64 { return x.files }),
			s[end].gitlab-s[begin].gitlab, s[end].slack-s[begin].slack)
		begin = end
	}
	return b.String()
}

func TestSampleReadsMetrics(t *testing.T) {
	page := `# HELP go_goroutines Number of goroutines that currently exist.
# TYPE go_goroutines gauge
go_goroutines 57
process_resident_memory_bytes 5.24288e+07
go_memstats_heap_inuse_bytes 1.048576e+07
process_open_fds 14
pipebot_gitlab_request_seconds_bucket{op="listing pipelines",status="200",le="0.1"} 9
pipebot_gitlab_request_seconds_count{op="listing pipelines",status="200"} 9
pipebot_gitlab_request_seconds_count{op="reading a user",status="404"} 2
pipebot_slack_request_seconds_count{method="chat.update",status="200"} 5
`
	want := sample{at: time.Minute, resident: 50, heap: 10, goroutines: 57, files: 14, gitlab: 11, slack: 5}
	if diff := cmp.Diff(want, sampleOf(time.Minute, page), cmp.AllowUnexported(sample{})); diff != "" {
		t.Error(diff)
	}
}

func TestSeriesTellsGrowthFromNoise(t *testing.T) {
	level := sample{resident: 100, heap: 50, goroutines: 80, files: 20}
	tests := map[string]struct {
		change func(i int, x *sample)
		want   []string
	}{
		"flat":                          {func(int, *sample) {}, nil},
		"a burst now and then":          {func(i int, x *sample) { x.goroutines += float64(i%7/6) * 500; x.heap += float64(i%9/8) * 40 }, nil},
		"growing while the caches fill": {func(i int, x *sample) { x.resident -= float64(max(0, 10-i)) * 5 }, nil},
		"a goroutine left behind at times": {
			func(i int, x *sample) { x.goroutines += float64(2 * i) }, []string{"goroutines: 110 in the second quarter and 150 in the last"},
		},
		"memory and files left behind": {
			func(i int, x *sample) { x.resident += float64(i); x.files += float64(i) },
			[]string{"resident memory (MB): 115 in the second quarter and 135 in the last", "open files: 35 in the second quarter and 55 in the last"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := make(series, 40)
			for i := range s {
				s[i] = level
				tt.change(i, &s[i])
			}
			if diff := cmp.Diff(tt.want, s.growth(true)); diff != "" {
				t.Error(diff)
			}
		})
	}
	filling := make(series, 40)
	for i := range filling {
		filling[i] = sample{resident: float64(i), heap: float64(i), files: float64(10 * i)}
	}
	if got := filling.growth(false); len(got) != 1 || !strings.HasPrefix(got[0], "open files") {
		t.Errorf("where memory does not count it says %q", got)
	}
	if got := (series{level}).growth(true); len(got) != 1 {
		t.Errorf("of one sample it says %q", got)
	}
}

func TestSeriesTable(t *testing.T) {
	var s series
	for i := range 7 {
		s = append(s, sample{at: time.Duration(i) * 30 * time.Second, resident: 100, heap: 50, goroutines: 80, files: 20, gitlab: float64(10 * i), slack: float64(i)})
	}
	want := `    until  resident MB  heap MB  goroutines  files GitLab requests Slack requests
     1m0s          100       50          80     20              20              2
     2m0s          100       50          80     20              20              2
     3m0s          100       50          80     20              20              2
`
	if diff := cmp.Diff(want, s.table(time.Minute)); diff != "" {
		t.Error(diff)
	}
}
