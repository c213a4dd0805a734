// SPDX-License-Identifier: Apache-2.0

package mount_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/exec"
	"testing/fstest"

	"github.com/tensorguard/tgsp/mount"
)

// A program shows an io/fs.FS to others as a folder; that of an opened package is
// tgsp's fs.New. Its own goroutines should read the io/fs.FS itself: a process that
// waits for its own mount may wait for ever.
func Example() {
	dir, err := os.MkdirTemp("", "model-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.Remove(dir) //nolint:errcheck // an empty folder
	model := fstest.MapFS{"config.json": {Data: []byte("{}\n")}}

	server, err := mount.Mount(dir, model, mount.Options{FSName: "model"})
	if err != nil {
		log.Fatal(err)
	}
	text, err := exec.Command("cat", dir+"/config.json").Output()
	if err != nil {
		log.Print(err)
	}
	fmt.Printf("%s", text)
	if _, err := server.Unmount(context.Background()); err != nil {
		log.Print(err)
	}
	server.Wait()
	// Output: {}
}
