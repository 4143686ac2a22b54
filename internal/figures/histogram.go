package figures

import (
	"math"
	"slices"

	"github.com/maisonrmi/sopd/internal/kpi"
	"github.com/maisonrmi/sopd/internal/store"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// nativeSchema is the resolution of the native histogram: eight buckets for each doubling.
const nativeSchema = 3

// zeroBucket is the index under which durations of nothing are kept.
const zeroBucket = math.MinInt32

// zeroThreshold is what counts as nothing, in seconds.
const zeroThreshold = 1e-6

// nativeBucket returns the index of the native bucket of a value: bucket i holds what is above 2^((i-1)/8) and at most
// 2^(i/8).
//
// Source: prometheus/client_model, io/prometheus/client/metrics.proto, Histogram.schema.
func nativeBucket(seconds float64) int64 {
	if seconds <= zeroThreshold {
		return zeroBucket
	}
	return int64(math.Ceil(math.Log2(seconds) * (1 << nativeSchema)))
}

// histogram is the distribution of one promise as it is kept in the store, classic and native at once.
type histogram struct {
	desc   *prometheus.Desc
	labels []*dto.LabelPair
	bounds []float64
	cells  []store.Spread
}

// Desc returns the metric's description.
func (h histogram) Desc() *prometheus.Desc { return h.desc }

// Write fills in the distribution.
func (h histogram) Write(m *dto.Metric) error {
	m.Label = h.labels
	out := &dto.Histogram{}
	classic := make([]uint64, len(h.bounds)+1)
	native := make(map[int64]int64)
	exemplars := make(map[int64]*dto.Exemplar)
	var n uint64
	var micros int64
	for _, c := range h.cells {
		count := uint64(max(c.N, 0))
		n, micros = n+count, micros+c.Micros
		if c.Bound >= 0 && int(c.Bound) < len(classic) {
			classic[c.Bound] += count
		}
		native[c.Native] += c.N
		if c.Change != "" {
			exemplars[c.Bound] = &dto.Exemplar{
				Label: []*dto.LabelPair{{Name: ptr("change_id"), Value: ptr(c.Change)}}, Value: ptr(c.Took.Seconds()),
			}
		}
	}
	out.SampleCount, out.SampleSum = ptr(n), ptr(float64(micros)/1e6)
	var cumulative uint64
	for i, bound := range h.bounds {
		cumulative += classic[i]
		out.Bucket = append(out.Bucket, &dto.Bucket{CumulativeCount: ptr(cumulative), UpperBound: ptr(bound), Exemplar: exemplars[int64(i)]})
	}
	if last, ok := exemplars[int64(len(h.bounds))]; ok {
		out.Bucket = append(out.Bucket, &dto.Bucket{CumulativeCount: ptr(n), UpperBound: ptr(math.Inf(1)), Exemplar: last})
	}
	out.Schema, out.ZeroThreshold = ptr(int32(nativeSchema)), ptr(float64(zeroThreshold))
	out.ZeroCount = ptr(uint64(max(native[zeroBucket], 0)))
	delete(native, zeroBucket)
	out.PositiveSpan, out.PositiveDelta = spans(native)
	m.Histogram = out
	return nil
}

// spans writes the native buckets as runs of neighbours and differences of counts. No bucket at all is one empty span,
// which is how a native histogram without observations is told from a classic one.
func spans(buckets map[int64]int64) (out []*dto.BucketSpan, deltas []int64) {
	var indexes []int64
	for i := range buckets {
		indexes = append(indexes, i)
	}
	slices.Sort(indexes)
	if len(indexes) == 0 {
		return []*dto.BucketSpan{{Offset: ptr(int32(0)), Length: ptr(uint32(0))}}, nil
	}
	var last, count int64
	for n, i := range indexes {
		if n > 0 && i == last+1 {
			*out[len(out)-1].Length++
		} else {
			offset := i
			if n > 0 {
				offset = i - last - 1
			}
			out = append(out, &dto.BucketSpan{Offset: ptr(int32(offset)), Length: ptr(uint32(1))}) //nolint:gosec // a schema has a few thousand buckets
		}
		deltas = append(deltas, buckets[i]-count)
		last, count = i, buckets[i]
	}
	return out, deltas
}

func ptr[T any](v T) *T { return &v }

// labelsOf returns the labels of a promise, sorted by name.
func labelsOf(d kpi.Definition, severity string) []*dto.LabelPair {
	return []*dto.LabelPair{
		{Name: ptr("kpi"), Value: ptr(d.Name)}, {Name: ptr("severity"), Value: ptr(severityLabel(severity))}, {Name: ptr("sop"), Value: ptr(d.SOP)},
	}
}
