package jiramock

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strconv"
)

// wireComment shows a comment; rich text depends on the version.
func (s *Server) wireComment(i *issue, m *comment, version string) map[string]any {
	id := strconv.Itoa(m.id)
	out := map[string]any{
		"self": s.self("/rest/api/" + version + "/issue/" + strconv.Itoa(i.id) + "/comment/" + id), "id": id,
		"author": s.wireUser(m.by), "updateAuthor": s.wireUser(m.editor), "body": s.richText(m.body, version),
		"created": s.timeText(m.at), "updated": s.timeText(m.updated),
	}
	if i.project.desk != "" {
		out["jsdPublic"] = m.public
	}
	return out
}

func (s *Server) wireComments(i *issue, version string) map[string]any {
	list := []any{}
	for _, m := range i.comments {
		list = append(list, s.wireComment(i, m, version))
	}
	return map[string]any{"comments": list, "maxResults": len(list), "total": len(list), "startAt": 0}
}

func (s *Server) listComments(c *call) reply {
	i, answer, found := s.issueFor(c)
	if !found {
		return answer
	}
	start := min(c.number("startAt", 0, 1<<30), len(i.comments))
	page := c.number("maxResults", 50, 100)
	end := min(start+page, len(i.comments))
	list := []any{}
	for _, m := range i.comments[start:end] {
		list = append(list, s.wireComment(i, m, c.version))
	}
	if c.fault.is(EmptyPage) || c.fault.is(MissingPage) {
		list = []any{}
	}
	return ok(map[string]any{"comments": list, "startAt": start, "maxResults": page, "total": len(i.comments)})
}

// addComment adds a comment. Cloud refuses the empty people and visibility that go-jira sends along.
//
// Source: andygrunwald/go-jira#604.
func (s *Server) addComment(c *call) reply {
	i, answer, may := s.writableFor(c, "ADD_COMMENTS")
	if !may {
		return answer
	}
	body, valid := c.decode()
	if !valid {
		return refusal(http.StatusBadRequest, "Invalid request payload.")
	}
	if s.config.Deployment == Cloud {
		for _, name := range []string{"author", "updateAuthor", "visibility"} {
			if _, sent := body[name]; sent && name != "visibility" {
				return fieldRefusal(name, "Comment "+name+" cannot be set.")
			}
			if v, sent := body[name].(map[string]any); sent && text(v["type"]) == "" {
				return refusal(http.StatusBadRequest, "Visibility type is required.")
			}
		}
	}
	if c.version == "3" && !isDocument(body["body"]) {
		return fieldRefusal("comment", "Comment body is not valid!")
	}
	words := plainText(body["body"])
	if words == "" || len(words) > 32767 {
		return fieldRefusal("comment", "Comment body can not be empty!")
	}
	m := s.comment(i, NewComment{Body: words, Internal: internal(body["properties"])}, s.actNow(c.user))
	return reply{http.StatusCreated, s.wireComment(i, m, c.version)}
}

// internal reads the property that makes a comment internal in a service desk.
func internal(properties any) bool {
	list, _ := properties.([]any)
	return slices.ContainsFunc(list, func(v any) bool {
		p, _ := v.(map[string]any)
		value, _ := p["value"].(map[string]any)
		return p["key"] == "sd.public.comment" && value["internal"] == true
	})
}

func (s *Server) wireAttachments(i *issue) []any {
	out := []any{}
	for _, a := range i.attachments {
		id := strconv.Itoa(a.id)
		out = append(out, map[string]any{
			"self": s.self("/rest/api/2/attachment/" + id), "id": id, "filename": a.name, "author": s.wireUser(a.by),
			"created": s.timeText(a.at), "size": len(a.data), "mimeType": a.kind,
			"content": s.self("/secure/attachment/" + id + "/" + a.name),
		})
	}
	return out
}

// attach takes multipart/form-data with parts named "file", and the header that says that no browser was tricked.
func (s *Server) attach(c *call) reply {
	i, answer, may := s.writableFor(c, "CREATE_ATTACHMENTS")
	if !may {
		return answer
	}
	if token := c.Header.Get("X-Atlassian-Token"); token != "no-check" && token != "nocheck" {
		return refusal(http.StatusForbidden, "XSRF check failed")
	}
	added, err := s.parts(c)
	if err != nil || len(added) == 0 {
		return refusal(http.StatusBadRequest, "the request must be multipart with a part named file")
	}
	for _, a := range added {
		i.attachments = append(i.attachments, a)
		s.changed(i, []item{{
			field: "Attachment", fieldID: "attachment", fieldType: "jira", to: strconv.Itoa(a.id), toText: a.name,
		}}, s.actNow(c.user))
	}
	all := s.wireAttachments(i)
	return ok(all[len(all)-len(added):])
}

func (s *Server) parts(c *call) ([]*attachment, error) {
	_, params, err := mime.ParseMediaType(c.Header.Get("Content-Type"))
	if err != nil {
		return nil, err
	}
	var out []*attachment
	reader := multipart.NewReader(bytes.NewReader(c.body), params["boundary"])
	for {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		if part.FormName() != "file" {
			return nil, fmt.Errorf("part %q", part.FormName())
		}
		data, err := io.ReadAll(part)
		if err != nil {
			return nil, err
		}
		out = append(out, &attachment{
			id: s.mint(), name: part.FileName(), kind: part.Header.Get("Content-Type"), at: s.now(), by: c.user, data: data,
		})
	}
}

// download gives an attachment's content.
func (s *Server) download(c *call) reply {
	for _, i := range s.issues {
		for _, a := range i.attachments {
			if strconv.Itoa(a.id) == c.PathValue("id") && i.project.may(c.user, "BROWSE_PROJECTS") {
				return ok(rawBody(a.data))
			}
		}
	}
	return refusal(http.StatusNotFound, "The attachment does not exist.")
}

func (s *Server) listProperties(c *call) reply {
	i, answer, found := s.issueFor(c)
	if !found {
		return answer
	}
	keys := []any{}
	for _, name := range slices.Sorted(maps.Keys(i.properties)) {
		keys = append(keys, map[string]any{"key": name, "self": s.self(c.URL.Path + "/" + name)})
	}
	return ok(map[string]any{"keys": keys})
}

func (s *Server) getProperty(c *call) reply {
	i, answer, found := s.issueFor(c)
	if !found {
		return answer
	}
	raw, set := i.properties[c.PathValue("property")]
	if !set {
		return refusal(http.StatusNotFound, "The property does not exist.")
	}
	return ok(map[string]any{"key": c.PathValue("property"), "value": raw})
}

// setProperty takes any JSON of at most 32768 characters.
func (s *Server) setProperty(c *call) reply {
	i, answer, may := s.writableFor(c, "EDIT_ISSUES")
	if !may {
		return answer
	}
	if len(c.body) > 32768 || len(c.PathValue("property")) > 255 || !json.Valid(c.body) {
		return refusal(http.StatusBadRequest, "The property is not valid JSON or too long.")
	}
	_, existed := i.properties[c.PathValue("property")]
	i.properties[c.PathValue("property")] = slices.Clone(c.body)
	if existed {
		return ok(map[string]any{})
	}
	return reply{http.StatusCreated, map[string]any{}}
}

func (s *Server) deleteProperty(c *call) reply {
	i, answer, may := s.writableFor(c, "EDIT_ISSUES")
	if !may {
		return answer
	}
	if _, set := i.properties[c.PathValue("property")]; !set {
		return refusal(http.StatusNotFound, "The property does not exist.")
	}
	delete(i.properties, c.PathValue("property"))
	return reply{status: http.StatusNoContent}
}

func (s *Server) wireLink(i *issue, l *remoteLink) map[string]any {
	out := map[string]any{"id": l.id, "self": s.self("/rest/api/2/issue/" + string(i.key) + "/remotelink/" + strconv.Itoa(l.id))}
	for _, name := range []string{"application", "relationship", "object", "globalId"} {
		if v, set := l.body[name]; set {
			out[name] = v
		}
	}
	return out
}

// listLinks gives one link by its global id, or all of them.
func (s *Server) listLinks(c *call) reply {
	i, answer, found := s.issueFor(c)
	if !found {
		return answer
	}
	wanted := c.URL.Query().Get("globalId")
	out := []any{}
	for _, l := range i.links {
		if wanted != "" && l.globalID == wanted {
			return ok(s.wireLink(i, l))
		}
		out = append(out, s.wireLink(i, l))
	}
	if wanted != "" {
		return refusal(http.StatusNotFound, "The link does not exist.")
	}
	return ok(out)
}

// link adds a link, or replaces the one with the same global id whole.
func (s *Server) link(c *call) reply {
	i, answer, may := s.writableFor(c, "LINK_ISSUES")
	if !may {
		return answer
	}
	body, _ := c.decode()
	object, _ := body["object"].(map[string]any)
	id := text(body["globalId"])
	if text(object["url"]) == "" || text(object["title"]) == "" || len(id) > 255 {
		return fieldRefusal("url", "object.url and object.title are required.")
	}
	for _, l := range i.links {
		if id != "" && l.globalID == id {
			l.body = body
			return ok(s.linkID(i, l))
		}
	}
	l := &remoteLink{id: s.mint(), globalID: id, body: body}
	i.links = append(i.links, l)
	return reply{http.StatusCreated, s.linkID(i, l)}
}

func (s *Server) linkID(i *issue, l *remoteLink) map[string]any {
	whole := s.wireLink(i, l)
	return map[string]any{"id": l.id, "self": whole["self"]}
}

func (s *Server) unlink(c *call) reply {
	i, answer, may := s.writableFor(c, "LINK_ISSUES")
	if !may {
		return answer
	}
	before := len(i.links)
	i.links = slices.DeleteFunc(i.links, func(l *remoteLink) bool { return l.globalID == c.URL.Query().Get("globalId") })
	if len(i.links) == before {
		return refusal(http.StatusNotFound, "The link does not exist.")
	}
	return reply{status: http.StatusNoContent}
}
