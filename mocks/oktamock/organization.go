package oktamock

// wireOrganization is what anybody may know of the org.
type wireOrganization struct {
	ID       string         `json:"id"`
	Pipeline string         `json:"pipeline"`
	Links    map[string]any `json:"_links"`
}

func (c *call) organization() *answer {
	return ok(wireOrganization{
		ID: "00o5d7mock0Org000000", Pipeline: "idx",
		Links: map[string]any{"organization": wireLink{Href: c.URL()}},
	})
}

// wireOrgSettings is the part of the org's settings that has a value here.
type wireOrgSettings struct {
	ID          string         `json:"id"`
	CompanyName string         `json:"companyName"`
	Status      string         `json:"status"`
	Subdomain   string         `json:"subdomain"`
	Links       map[string]any `json:"_links"`
}

func (c *call) orgSettings() *answer {
	return ok(wireOrgSettings{
		ID: "00o5d7mock0Org000000", CompanyName: "Maison RMI", Status: "ACTIVE", Subdomain: "maisonrmi-example", Links: map[string]any{},
	})
}

// listNothing answers for the things of a group that this org does not have: apps and owners.
func (c *call) listNothing() *answer {
	if c.group() == nil {
		return c.noGroup()
	}
	return listing(&page{limit: 200})
}
