// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestImage puts together what the recipe of the image copies, and uses the program
// with nothing else around it but what is handed to a container: devices, its
// processes and a folder. Which programs read a recipe is another matter.
func TestImage(t *testing.T) {
	room := openRoom(t, false)
	var entry string
	for line := range strings.Lines(string(must(os.ReadFile("../.package/Containerfile"))(t))) {
		words := strings.Fields(strings.ReplaceAll(line, "${TARGETARCH}", runtime.GOARCH))
		if len(words) == 0 {
			continue
		}
		switch words[0] {
		case "COPY":
			to := "/image" + words[len(words)-1]
			for _, from := range words[1 : len(words)-1] {
				file := to
				if strings.HasSuffix(to, "/") {
					file += filepath.Base(from)
				}
				succeeds(t, room.Run("mkdir -p "+filepath.Dir(file)))
				name, built := strings.CutPrefix(from, "bin/packages/")
				if !built {
					name = filepath.Join("..", from)
				} else {
					name = packageFile(t, name)
				}
				if err := room.Put(name, file); err != nil {
					t.Fatal(err)
				}
			}
		case "ENTRYPOINT":
			entry = strings.Trim(words[1], `["]`)
		case "#", "FROM", "ARG", "ENV", "CMD":
		default:
			t.Errorf("the test does not know %s", line)
		}
	}
	succeeds(t, room.Run(`chmod +x /image`+entry+`
		mkdir -p /image/proc /image/dev /image/srv/mnt /image/srv/model /image/var/lib/tgsp
		for device in fuse null; do
			: >/image/dev/$device
			mount --bind /dev/$device /image/dev/$device
		done
		mount -t proc proc /image/proc
		head -c 3000000 /dev/urandom >/image/srv/model/weights.bin
		tgsp() { TGSP_HOME=/var/lib/tgsp chroot /image `+entry+` "$@"; }
		tgsp init
		tgsp pack /srv/model -o /srv/model.tgsp
		tgsp mount /srv/model.tgsp /srv/mnt
		diff -r /image/srv/model /image/srv/mnt
		tgsp umount /srv/mnt
		chown -R tester /image/var/lib/tgsp
		TGSP_HOME=/var/lib/tgsp chroot --userspec="$(id -u tester):$(id -g tester)" /image `+entry+` verify /srv/model.tgsp
		test "$(find /image -xdev -type f -perm /111)" = /image`+entry))
}
