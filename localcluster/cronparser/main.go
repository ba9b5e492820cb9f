// Cronparser answers what Kubernetes makes of a schedule: whether a CronJob may carry it, and when it fires.
//
// It reads one question a line, {"text", "zone", "after", "count"}, and writes one answer a line, {"ok", "error",
// "times"}. The checks are those that the API server makes of spec.schedule and spec.timeZone; the times are those
// that the CronJob controller computes. The environment variable ZONEINFO names the time zone data to use.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Question is one schedule and the instant after which its times are asked for.
type Question struct {
	Text  string    `json:"text"`
	Zone  string    `json:"zone"`
	After time.Time `json:"after"`
	Count int       `json:"count"`
}

// Answer tells whether the API server takes the schedule, and its next times; fewer than asked for where it ends.
type Answer struct {
	OK    bool        `json:"ok"`
	Error string      `json:"error,omitempty"`
	Times []time.Time `json:"times"`
}

var zonePart = regexp.MustCompile(`^[A-Za-z\.\-_0-9+]{1,14}$`)

// checkZone is validateTimeZone of Kubernetes' pkg/apis/batch/validation.
func checkZone(zone string) error {
	if zone == "" {
		return errors.New("timeZone must be nil or non-empty string")
	}
	for _, part := range strings.Split(zone, "/") {
		if part == "." || part == ".." || strings.HasPrefix(part, "-") || !zonePart.MatchString(part) {
			return fmt.Errorf("unknown time zone %s", zone)
		}
	}
	if strings.EqualFold(zone, "Local") {
		return errors.New("timeZone must be an explicit time zone")
	}
	_, err := time.LoadLocation(zone)
	return err
}

// parse is ParseCronScheduleWithPanicRecovery of Kubernetes' pkg/util/parsers: the parser panics at texts like "TZ=0".
func parse(text string) (schedule cron.Schedule, err error) {
	defer func() {
		if r := recover(); r != nil {
			schedule, err = nil, fmt.Errorf("invalid schedule format: %v", r)
		}
	}()
	return cron.ParseStandard(text)
}

// accept makes the API server's checks, then reads the schedule as the CronJob controller does: zone and text in one.
func accept(question Question) (cron.Schedule, error) {
	if question.Text == "" {
		return nil, errors.New("schedule is required")
	}
	if _, err := parse(question.Text); err != nil {
		return nil, err
	}
	if strings.Contains(question.Text, "TZ") {
		return nil, errors.New("cannot use TZ or CRON_TZ in schedule, use timeZone field instead")
	}
	if err := checkZone(question.Zone); err != nil {
		return nil, err
	}
	return parse(fmt.Sprintf("TZ=%s %s", question.Zone, question.Text))
}

func answer(question Question) Answer {
	schedule, err := accept(question)
	if err != nil {
		return Answer{Error: err.Error(), Times: []time.Time{}}
	}
	times := make([]time.Time, 0, question.Count)
	for at := question.After; len(times) < question.Count; {
		at = schedule.Next(at)
		if at.IsZero() {
			break
		}
		times = append(times, at.UTC())
	}
	return Answer{OK: true, Times: times}
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	encoder := json.NewEncoder(out)
	for lines.Scan() {
		var question Question
		if err := json.Unmarshal(lines.Bytes(), &question); err != nil {
			log.Fatalf("no question: %v: %s", err, lines.Text())
		}
		if err := encoder.Encode(answer(question)); err != nil {
			log.Fatal(err)
		}
	}
	if err := lines.Err(); err != nil {
		log.Fatal(err)
	}
}
