package world

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"path"
	"slices"
	"strings"
	"time"
)

// The story of this file is a report that nobody asks for.

func reportOnScheduleStory() Story {
	const title = "Report of the day"
	return Story{
		Name: "report-on-schedule", Title: "A report is made by itself after its period, and sent once",
		Policies: func(start time.Time) map[string]string {
			return withPolicies(map[string]string{"at": noonAgo(start)}, "reports")
		},
		Steps: []Step{
			{
				Say: "A day is over. Its report is due.", Within: soon,
				Expect: []Expectation{
					openedOnce(projectOps, title), atMostOnce(projectOps, title),
					onTheOpened(projectOps, title, "It is attached as text, as a table and as a workbook that opens", func(w *World, key Key) bool {
						return slices.Equal(endings(w.Attachments(key)), []string{".csv", ".md", ".xlsx"}) && opens(w.Attachments(key))
					}),
					onTheOpened(projectOps, title, "The ticket names the SHA-256 of each file, and they are right", func(w *World, key Key) bool {
						return hashed(w, key)
					}),
				},
			},
			{
				Say: "The program is stopped and started again.", Operate: Restart, Within: 6 * time.Second,
				Expect: []Expectation{
					atMostOnce(projectOps, title),
					throughout(Expectation{Name: "No file is attached twice", Held: func(w *World) (bool, error) {
						for _, key := range w.Opened(projectOps, title) {
							if all := endings(w.Attachments(key)); len(slices.Compact(slices.Clone(all))) != len(all) {
								return false, nil
							}
						}
						return true, nil
					}}),
				},
			},
		},
	}
}

// endings returns the endings of the files' names, sorted.
func endings(files []File) []string {
	var all []string
	for _, f := range files {
		all = append(all, path.Ext(f.Name))
	}
	slices.Sort(all)
	return all
}

// opens reports whether a workbook is among the files and is whole.
func opens(files []File) bool {
	return slices.ContainsFunc(files, func(f File) bool {
		archive, err := zip.NewReader(bytes.NewReader(f.Data), int64(len(f.Data)))
		return err == nil && slices.ContainsFunc(archive.File, func(part *zip.File) bool { return part.Name == "xl/workbook.xml" })
	})
}

// hashed reports whether the ticket's description names the hash of every file on it, and of one at least.
func hashed(w *World, key Key) bool {
	issue, _ := w.Jira.Issue(key)
	wrong := func(f File) bool {
		sum := sha256.Sum256(f.Data)
		return !strings.Contains(issue.Description, f.Name) || !strings.Contains(issue.Description, hex.EncodeToString(sum[:]))
	}
	return len(issue.Attachments) > 0 && !slices.ContainsFunc(issue.Attachments, wrong)
}
