package dashboards

import (
	"fmt"
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
		Link(dashboard.NewDashboardLinkBuilder("sopd").Type(dashboard.DashboardLinkTypeDashboards).Tags([]string{tag}).KeepTime(true)).
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
	Mappings(mappings []dashboard.ValueMapping) B
	Thresholds(thresholds cog.Builder[dashboard.ThresholdsConfig]) B
	WithTarget(target cog.Builder[variants.Dataquery]) B
}

func (p panel) build(id uint32) cog.Builder[dashboard.Panel] {
	switch p.kind {
	case lines:
		b := dress(timeseries.NewPanelBuilder(), p, id).Height(8).FillOpacity(8).ShowPoints(common.VisibilityModeAuto).
			Legend(common.NewVizLegendOptionsBuilder().DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom).ShowLegend(true)).
			Tooltip(common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeMulti))
		if len(p.steps) > 0 {
			b.ThresholdsStyle(common.NewGraphThresholdsStyleConfigBuilder().Mode(common.GraphThresholdsStyleModeDashed))
		}
		return b
	case listed:
		return p.columns(dress(table.NewPanelBuilder(), p, id).Height(10))
	default:
		return dress(stat.NewPanelBuilder(), p, id).Height(4).GraphMode(common.BigValueGraphModeArea).
			ColorMode(common.BigValueColorModeValue).NoValue("no figure").
			ReduceOptions(common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"}))
	}
}

// dress sets what every panel has.
func dress[B picture[B]](b B, p panel, id uint32) B {
	b.Id(id).Title(p.title).Description(p.about).Datasource(source()).Span(p.width).Unit(p.unit).Thresholds(scale(p.steps))
	if p.alert != "" {
		link := dashboard.NewDashboardLinkBuilder("Runbook: " + p.alert).Type(dashboard.DashboardLinkTypeLink).
			Url(runbook + "#" + strings.ToLower(p.alert)).TargetBlank(true)
		b.Links([]cog.Builder[dashboard.DashboardLink]{link})
	}
	if len(p.words) > 0 {
		b.Mappings([]dashboard.ValueMapping{p.mapping()})
	}
	for i, q := range p.queries {
		b.WithTarget(q.build(p.kind, refID(i)))
	}
	return b
}

// refID names a panel's queries A, B, C …
func refID(i int) string { return "ABCDEFGHIJ"[i : i+1] }

// scale is green below the first step, unless that begins at 0: then it has that step's colour.
func scale(steps []step) *dashboard.ThresholdsConfigBuilder {
	all := []dashboard.Threshold{{Color: "green"}}
	if len(steps) > 0 && steps[0].from == 0 {
		all[0].Color, steps = steps[0].color, steps[1:]
	}
	for _, s := range steps {
		all = append(all, dashboard.Threshold{Value: cog.ToPtr(s.from), Color: s.color})
	}
	return dashboard.NewThresholdsConfigBuilder().Mode(dashboard.ThresholdsModeAbsolute).Steps(all)
}

func (p panel) mapping() dashboard.ValueMapping {
	m := dashboard.NewValueMap()
	m.Options = make(map[string]dashboard.ValueMappingResult)
	for value, word := range p.words {
		m.Options[value] = dashboard.ValueMappingResult{Text: cog.ToPtr(word)}
	}
	return dashboard.ValueMapping{ValueMap: m}
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

// columns joins the queries of a table on their labels and names the columns. The first value is what is sorted by.
func (p panel) columns(b *table.PanelBuilder) *table.PanelBuilder {
	names := map[string]any{"sop": "SOP", "kpi": "Promise", "severity": "Severity"}
	for i, q := range p.queries {
		names[fmt.Sprintf("Value #%s", refID(i))] = q.legend
		if q.unit != "" {
			b.OverrideByName(q.legend, []dashboard.DynamicConfigValue{{Id: "unit", Value: q.unit}})
		}
	}
	return b.NoValue("–").
		WithTransformation(dashboard.DataTransformerConfig{Id: "merge", Options: map[string]any{}}).
		WithTransformation(dashboard.DataTransformerConfig{Id: "organize", Options: map[string]any{
			"excludeByName": map[string]any{"Time": true}, "renameByName": names,
		}}).
		SortBy([]cog.Builder[common.TableSortByFieldState]{
			common.NewTableSortByFieldStateBuilder().DisplayName(p.queries[0].legend).Desc(true),
		})
}
