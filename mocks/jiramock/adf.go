package jiramock

import "strings"

// document writes text as an Atlassian document, one paragraph a line.
func document(text string) map[string]any {
	content := []any{}
	for line := range strings.SplitSeq(text, "\n") {
		paragraph := map[string]any{"type": "paragraph", "content": []any{}}
		if line != "" {
			paragraph["content"] = []any{map[string]any{"type": "text", "text": line}}
		}
		content = append(content, paragraph)
	}
	return map[string]any{"type": "doc", "version": 1, "content": content}
}

// plainText reads the text out of a string or of an Atlassian document. Paragraphs become lines.
func plainText(v any) string {
	if text, ok := v.(string); ok {
		return text
	}
	node, ok := v.(map[string]any)
	if !ok {
		return ""
	}
	if text, ok := node["text"].(string); ok {
		return text
	}
	parts := each(node["content"], plainText)
	if node["type"] == "doc" {
		return strings.Join(parts, "\n")
	}
	return strings.Join(parts, "")
}

// isDocument reports whether v is an Atlassian document, which version 3 paths demand for rich text.
func isDocument(v any) bool {
	node, ok := v.(map[string]any)
	return ok && node["type"] == "doc"
}

// richText writes text as the version's paths show it.
func (s *Server) richText(text, version string) any {
	if version == "3" || s.config.ADFEverywhere {
		return document(text)
	}
	return text
}
