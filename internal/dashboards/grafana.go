package dashboards

import (
	"cmp"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

const (
	runbook = "https://github.com/maisonrmi/sopd/blob/main/docs/runbook.md"
	tag     = "sopd" // the boards find each other by it
)

// source is the Prometheus that the reader chose.
func source() common.DataSourceRef {
	return common.DataSourceRef{Type: cog.ToPtr("prometheus"), Uid: cog.ToPtr("${datasource}")}
}

// build makes the board in the first schema: the second needs Grafana 13, and people run older ones.
//
//lint:ignore SA1019 see above
func (b board) build() (dashboard.Dashboard, error) {
	//lint:ignore SA1019 see above
	d := dashboard.NewDashboardBuilder(b.title).Uid(b.uid).Description(b.about).Tags([]string{tag}).
		Time("now-24h", "now").Refresh("1m").Timezone("browser").Readonly().
		Tooltip(dashboard.DashboardCursorSyncCrosshair).
		Link(dashboard.NewDashboardLinkBuilder("sopd").Type(dashboard.DashboardLinkTypeDashboards).Tags([]string{tag}).KeepTime(true).IncludeVars(true)).
		Link(dashboard.NewDashboardLinkBuilder("Runbook").Type(dashboard.DashboardLinkTypeLink).Url(runbook).TargetBlank(true)).
		WithVariable(dashboard.NewDatasourceVariableBuilder("datasource").Label("Prometheus").Type("prometheus")).
		WithVariable(labelValues("job", "sopd_writes_enabled").Label("Job"))
	for _, c := range b.choices {
		d.WithVariable(c.build())
	}
	id := uint32(0)
	for _, r := range b.rows {
		id++
		d.WithRow(dashboard.NewRowBuilder(r.title).Id(id))
		for _, p := range r.panels {
			id++
			d.WithPanel(p.build(id))
		}
	}
	built, err := d.Build()
	for i := range built.Links {
		built.Links[i].Placement = nil // above the panels: the SDK's only other place is a menu
	}
	return built, err
}

func labelValues(label, metric string) *dashboard.QueryVariableBuilder {
	return dashboard.NewQueryVariableBuilder(label).
		Query(dashboard.StringOrMap{String: cog.ToPtr("label_values(" + metric + ", " + label + ")")}).
		Datasource(source()).Refresh(dashboard.VariableRefreshOnTimeRangeChanged).Sort(dashboard.VariableSortAlphabeticalAsc)
}

func (c choice) build() cog.Builder[dashboard.VariableModel] {
	if c.values != nil {
		var options []dashboard.VariableOption
		for i, v := range c.values {
			options = append(options, option(v, v, i == 0))
		}
		return dashboard.NewCustomVariableBuilder(c.name).Label(c.title).Options(options).Current(options[0]).
			Values(dashboard.StringOrMap{String: cog.ToPtr(strings.Join(c.values, ","))})
	}
	v := labelValues(c.label, `sopd_kpi_target_seconds{job="$job"}`).Name(c.name).Label(c.title)
	if c.chosen != "" {
		return v.Current(option(c.chosen, c.chosen, true))
	}
	return v.Multi(true).IncludeAll(true).AllValue(".*").Current(option("All", "$__all", true))
}

func option(text, value string, selected bool) dashboard.VariableOption {
	return dashboard.VariableOption{
		Text: dashboard.StringOrArrayOfString{String: &text}, Value: dashboard.StringOrArrayOfString{String: &value}, Selected: &selected,
	}
}

// picture is what the builders of all panels have in common.
type picture[B any] interface {
	cog.Builder[dashboard.Panel]
	Id(id uint32) B
	Title(title string) B
	Description(description string) B
	Datasource(source common.DataSourceRef) B
	Height(h uint32) B
	Span(w uint32) B
	Unit(unit string) B
	Links(links []cog.Builder[dashboard.DashboardLink]) B
	NoValue(noValue string) B
	Thresholds(thresholds cog.Builder[dashboard.ThresholdsConfig]) B
	WithTarget(target cog.Builder[variants.Dataquery]) B
}

func (p panel) build(id uint32) cog.Builder[dashboard.Panel] {
	switch p.kind {
	case lines:
		return p.curves(dress(timeseries.NewPanelBuilder(), p, id).Height(8))
	case listed:
		return p.columns(dress(table.NewPanelBuilder(), p, id).Height(12))
	default:
		return dress(stat.NewPanelBuilder(), p, id).Height(4).GraphMode(common.BigValueGraphModeArea).
			ColorMode(common.BigValueColorModeValue).Mappings(p.mappings()).
			Text(common.NewVizTextDisplayOptionsBuilder().ValueSize(figureSize)).
			ReduceOptions(common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"}))
	}
}

// figureSize is that of every large figure, in points: a word or a figure without its past would fill the panel.
const figureSize = 32

// curves draws lines. Where nothing happens the axis still has a height that makes sense, and whole numbers on it.
func (p panel) curves(b *timeseries.PanelBuilder) *timeseries.PanelBuilder {
	legend := common.NewVizLegendOptionsBuilder().DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom).ShowLegend(true)
	if p.width == 24 {
		legend.DisplayMode(common.LegendDisplayModeTable).Placement(common.LegendPlacementRight).Calcs([]string{"lastNotNull"})
	}
	b.Legend(legend).ShowPoints(common.VisibilityModeAuto).AxisSoftMax(p.softTop).
		Tooltip(common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeMulti).Sort(common.SortOrderDescending))
	switch {
	case p.unit == count:
		b.Min(0).Decimals(0).AxisSoftMax(1).FillOpacity(8)
	case p.decades:
		b.ScaleDistribution(common.NewScaleDistributionConfigBuilder().Type(common.ScaleDistributionLog).Log(10))
	case p.unit != "percentunit" || p.softTop < 1:
		b.Min(0)
	}
	if len(p.steps) > 0 {
		b.ThresholdsStyle(common.NewGraphThresholdsStyleConfigBuilder().Mode(common.GraphThresholdsStyleModeDashed))
	}
	for _, h := range p.hues {
		colored := []dashboard.DynamicConfigValue{{Id: "color", Value: fixed(h.color)}}
		if strings.HasPrefix(h.name, "/") {
			b.OverrideByRegexp(h.name, colored)
		} else {
			b.OverrideByName(h.name, colored)
		}
	}
	if p.promises() {
		b.OverrideByRegexp("/"+promised+"$/", []dashboard.DynamicConfigValue{
			{Id: "color", Value: fixed("red")},
			{Id: "custom.lineStyle", Value: map[string]any{"fill": "dash", "dash": []int{10, 10}}},
			{Id: "custom.fillOpacity", Value: 0},
			{Id: "custom.showPoints", Value: "never"},
			{Id: "custom.hideFrom", Value: map[string]bool{"legend": true, "tooltip": false, "viz": false}},
		})
	}
	return b
}

// promised ends the name of a line that is not to be crossed.
const promised = ", promised"

// promises reports whether such lines are drawn. They are red and broken, and the legend names only what is measured.
func (p panel) promises() bool {
	for _, q := range p.queries {
		if strings.HasSuffix(q.legend, promised) {
			return true
		}
	}
	return false
}

func fixed(color string) map[string]string {
	return map[string]string{"mode": "fixed", "fixedColor": color}
}

// dress sets what every panel has.
func dress[B picture[B]](b B, p panel, id uint32) B {
	b.Id(id).Title(p.title).Description(p.about).Datasource(source()).Span(p.width).Unit(p.unit).
		Thresholds(dashboard.NewThresholdsConfigBuilder().Mode(dashboard.ThresholdsModeAbsolute).Steps(scale(p.steps)))
	if p.alert != "" {
		link := dashboard.NewDashboardLinkBuilder("Runbook: " + p.alert).Type(dashboard.DashboardLinkTypeLink).
			Url(runbook + "#" + strings.ToLower(p.alert)).TargetBlank(true)
		b.Links([]cog.Builder[dashboard.DashboardLink]{link})
	}
	b.NoValue(cmp.Or(p.empty, "no figure"))
	for i, q := range p.queries {
		b.WithTarget(q.build(p.kind, refID(i)))
	}
	return b
}

// refID names a panel's queries A, B, C …
func refID(i int) string { return "ABCDEFGHIJ"[i : i+1] }

// scale is green below the first step, unless that begins at 0: then it has that step's colour. Without steps a figure is
// neither good nor bad.
func scale(steps []step) []dashboard.Threshold {
	all := []dashboard.Threshold{{Color: "green"}}
	if len(steps) == 0 {
		all[0].Color = "blue"
	} else if steps[0].from == 0 {
		all[0].Color, steps = steps[0].color, steps[1:]
	}
	for _, s := range steps {
		all = append(all, dashboard.Threshold{Value: cog.ToPtr(s.from), Color: s.color})
	}
	return all
}

// never is an age in seconds that only the beginning of 1970 has: of a time stamp that is 0.
const never = 1e9

// absent says that there is no figure, which is neither green nor red.
func absent(word string) dashboard.ValueMapping {
	m := dashboard.NewSpecialValueMap()
	m.Options.Match = dashboard.SpecialValueMatchNullAndNan
	m.Options.Result = dashboard.ValueMappingResult{Text: &word, Color: cog.ToPtr("text")}
	return dashboard.ValueMapping{SpecialValueMap: m}
}

// mappings says values in words.
func (p panel) mappings() []dashboard.ValueMapping {
	all := []dashboard.ValueMapping{absent(cmp.Or(p.empty, "no figure"))}
	if p.unit == "s" {
		old := dashboard.NewRangeMap()
		old.Options.From = cog.ToPtr(float64(never))
		old.Options.Result = dashboard.ValueMappingResult{Text: cog.ToPtr("never"), Color: cog.ToPtr("red")}
		all = append(all, dashboard.ValueMapping{RangeMap: old})
	}
	if len(p.words) > 0 {
		m := dashboard.NewValueMap()
		m.Options = make(map[string]dashboard.ValueMappingResult)
		for value, word := range p.words {
			m.Options[value] = dashboard.ValueMappingResult{Text: cog.ToPtr(word)}
		}
		all = append(all, dashboard.ValueMapping{ValueMap: m})
	}
	return all
}

func (q query) build(k kind, ref string) *prometheus.DataqueryBuilder {
	b := prometheus.NewDataqueryBuilder().Expr(q.expr).RefId(ref).LegendFormat(q.legend).Datasource(source())
	if k == listed {
		return b.Instant().Format(prometheus.PromQueryFormatTable)
	}
	b.Range().Format(prometheus.PromQueryFormatTimeSeries)
	if q.exemplars {
		b.Exemplar(true)
	}
	return b
}

// columns joins the queries of a table on their labels and names the columns. It is sorted by the first figure, those alike
// by the next.
func (p panel) columns(b *table.PanelBuilder) *table.PanelBuilder {
	names := map[string]any{"sop": "SOP", "kpi": "Promise", "severity": "Severity"}
	order := map[string]any{"sop": 0, "kpi": 1, "severity": 2}
	b.OverrideByRegexp("/^(SOP|Promise)$/", []dashboard.DynamicConfigValue{{Id: "custom.width", Value: 170}})
	var sorted []cog.Builder[common.TableSortByFieldState]
	for i, q := range p.queries {
		value := "Value #" + refID(i)
		names[value], order[value] = q.legend, len(order)
		if set := q.column(); len(set) > 0 {
			b.OverrideByName(q.legend, set)
		}
		if i < 3 {
			sorted = append(sorted, common.NewTableSortByFieldStateBuilder().DisplayName(q.legend).Desc(true))
		}
	}
	return b.NoValue(dash).Width(columnWidth).
		WithTransformation(dashboard.DataTransformerConfig{Id: "merge", Options: map[string]any{}}).
		WithTransformation(dashboard.DataTransformerConfig{Id: "organize", Options: map[string]any{
			"excludeByName": map[string]any{"Time": true}, "renameByName": names, "indexByName": order,
		}}).SortBy(sorted)
}

// columnWidth lets a dozen columns stand beside each other on a screen of 1600 points.
const columnWidth = 120

// dash stands in a table where there is no figure.
const dash = "–"

// column is what a query's column has of its own.
func (q query) column() []dashboard.DynamicConfigValue {
	var set []dashboard.DynamicConfigValue
	if q.unit != "" {
		set = append(set, dashboard.DynamicConfigValue{Id: "unit", Value: q.unit})
	}
	if len(q.steps) > 0 {
		colors := dashboard.ThresholdsConfig{Mode: dashboard.ThresholdsModeAbsolute, Steps: scale(q.steps)}
		set = append(set, dashboard.DynamicConfigValue{Id: "thresholds", Value: colors},
			dashboard.DynamicConfigValue{Id: "mappings", Value: []dashboard.ValueMapping{absent(dash)}},
			dashboard.DynamicConfigValue{Id: "custom.cellOptions", Value: map[string]string{"type": "color-text"}})
	}
	return set
}
