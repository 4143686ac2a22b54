package store

import "time"

// Task is one occurrence of a recurring task that a ticket was asked for.
type Task struct {
	Name   string    `json:"name"`   // agenda and task
	Period string    `json:"period"` // unique in its task
	Opens  time.Time `json:"opens"`
	Ends   time.Time `json:"ends"`
	Done   time.Time `json:"done,omitzero"`
}

// PutTask keeps the occurrence, replacing what was known of it.
func (t *Tx) PutTask(task Task) error {
	text, err := toDoc(task)
	if err != nil {
		return err
	}
	_, err = t.exec(`INSERT INTO tasks (name, period, done, doc) VALUES ($1, $2, $3, $4)
		ON CONFLICT (name, period) DO UPDATE SET done = excluded.done, doc = excluded.doc`, task.Name, task.Period, micros(task.Done), text)
	return err
}

// OpenTasks returns the occurrences of the task that are not done, ordered by period.
func (t *Tx) OpenTasks(name string) ([]Task, error) {
	return docs[Task](t, "SELECT doc FROM tasks WHERE name = $1 AND done = 0 ORDER BY "+t.binary("period"), name)
}
