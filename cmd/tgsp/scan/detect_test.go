// SPDX-License-Identifier: Apache-2.0

package scan

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func wantKind(t *testing.T, name string, data []byte, want Kind) {
	t.Helper()
	r := &counter{r: bytes.NewReader(data)}
	got, err := Detect(r, int64(len(data)))
	if err != nil || got != want {
		t.Errorf("%s: %q, %v, want %q", name, got, err, want)
	}
}

// counter counts the bytes that are read.
type counter struct {
	r io.ReaderAt
	n int64
}

func (c *counter) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.r.ReadAt(p, off)
	c.n += int64(n)
	return n, err
}

func TestDetectRealFiles(t *testing.T) {
	for name, want := range map[string]Kind{
		"save.pt": PyTorchZip, "script.pt": PyTorchZip, "save-legacy.pt": PyTorchPickle, "save-legacy-protocol-4.pt": PyTorchPickle,
		"plain-protocol-2.pkl": PyTorchPickle, "plain-protocol-3.pkl": PyTorchPickle, "plain-protocol-4.pkl": PyTorchPickle, "plain-protocol-5.pkl": PyTorchPickle,
		"linear.onnx": ONNX, "numpy.pkl": None, "arrays.npz": None,
	} {
		wantKind(t, name, sample(t, name), want)
	}
	packages, err := filepath.Glob("../../../container/testdata/v1/*.tgsp")
	check(t, err)
	if len(packages) == 0 {
		t.Fatal("no packages to look at")
	}
	for _, name := range packages {
		data, err := os.ReadFile(name)
		check(t, err)
		wantKind(t, name, data, TGSP)
	}
}

func TestDetect(t *testing.T) {
	for name, c := range map[string]struct {
		data []byte
		want Kind
	}{
		"safetensors":                       {safetensors(tensorHeader, 24), Safetensors},
		"safetensors, long metadata":        {safetensors(`{"__metadata__":{"tags":"`+strings.Repeat("x", 1<<20)+`"}}`, 24), Safetensors},
		"safetensors, no tensors":           {safetensors(`{}      `, 0), Safetensors},
		"safetensors, no tensors but data":  {safetensors(`{}      `, 9), None},
		"safetensors, longer than the file": {safetensors(tensorHeader, 24)[:40], None},
		"safetensors, a number as tensor":   {safetensors(`{"a":1}`, 24), None},
		"safetensors, no type":              {safetensors(`{"a":{"shape":[1],"data_offsets":[0,4]}}`, 4), None},
		"safetensors, one offset":           {safetensors(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}`, 4), None},
		"safetensors, metadata as text":     {safetensors(`{"__metadata__":"x"}`, 4), None},
		"safetensors, endless name":         {safetensors(`{"`+strings.Repeat("x", 1<<20)+`"}`, 4), None},

		"GGUF 1":                {gguf(1), GGUF},
		"GGUF 3":                {gguf(3), GGUF},
		"GGUF 3, big-endian":    {gguf(3 << 24), GGUF},
		"GGUF 0":                {gguf(0), None},
		"GGUF, a text":          {[]byte("GGUF is a format for weights"), None},
		"GGUF, cut in its head": {gguf(3)[:10], None},

		"TensorRT":                       {tensorRT("ftrt"), TensorRT},
		"TensorRT, early":                {tensorRT("ptrt"), TensorRT},
		"TensorRT after metadata":        {wrapped(`{"stride":32}`, tensorRT("ftrt")), TensorRT},
		"TensorRT, a text":               {[]byte("ftrt is how engines start, it seems to some of us"), None},
		"TensorRT, cut":                  {tensorRT("ftrt")[:20], None},
		"metadata and no engine":         {wrapped(`{"stride":32}`, make([]byte, 100)), None},
		"metadata that leads far beyond": {join(u32(1<<31), []byte(`{"stride":32}`), make([]byte, 100)), None},

		"TFLite":                      {tflite(), TFLite},
		"TFLite, root outside":        {join(u32(1<<30), tflite()[4:]), None},
		"TFLite, root in the head":    {join(u32(4), tflite()[4:]), None},
		"TFLite, vtable outside":      {join(tflite()[:16], u32(1<<31), u32(3)), None},
		"TFLite, vtable of odd bytes": {join(tflite()[:10], []byte{7, 0}, tflite()[12:]), None},
		"TFLite, cut":                 {tflite()[:8], None},

		"ONNX":                          {onnx(), ONNX},
		"ONNX without a producer":       {message(nil).number(1, 8).bytes(7, onnxGraph()).bytes(8, onnxOpset), ONNX},
		"ONNX 2, without operators":     {message(nil).number(1, 2).bytes(7, onnxGraph()), ONNX},
		"ONNX 3, without operators":     {message(nil).number(1, 3).bytes(7, onnxGraph()), None},
		"ONNX with fields to come":      {onnx().bytes(40, []byte("?")), ONNX},
		"ONNX with many functions":      {withFunctions(onnx(), 3000), ONNX},
		"ONNX without a graph":          {message(nil).number(1, 8).bytes(8, onnxOpset), None},
		"ONNX with two graphs":          {onnx().bytes(7, onnxGraph()), None},
		"ONNX with another graph":       {message(nil).number(1, 8).bytes(7, message(nil).number(1, 1)).bytes(8, onnxOpset), None},
		"ONNX with an empty graph":      {message(nil).number(1, 8).bytes(7, nil).bytes(8, onnxOpset), None},
		"ONNX with other operators":     {message(nil).number(1, 8).bytes(7, onnxGraph()).bytes(8, message(nil).bytes(3, nil)), None},
		"ONNX with endless operators":   {message(nil).number(1, 8).bytes(7, onnxGraph()).bytes(8, bytes.Repeat(onnxOpset, 1000)), None},
		"ONNX with a binary producer":   {message(nil).number(1, 8).bytes(2, []byte{0xff, 0xfe}).bytes(7, onnxGraph()).bytes(8, onnxOpset), None},
		"ONNX of version 0":             {message(nil).number(1, 0).bytes(7, onnxGraph()).bytes(8, onnxOpset), None},
		"ONNX with bytes after its end": {append(onnx(), 0xff, 0xff), None},
		"ONNX, cut":                     {onnx()[:8000], None},
		"another message":               {message(nil).number(1, 8).number(2, 9).bytes(7, []byte("graph")), None},

		"torch.save":                   {zipped(t, "", "m/data.pkl", "m/data/0", "m/version"), PyTorchZip},
		"torch.export":                 {zipped(t, "", "m/archive_format", "m/models/model.json", "m/version"), PyTorchZip},
		"torch.save with a comment":    {zipped(t, strings.Repeat("c", 65_535), "m/data.pkl", "m/version"), PyTorchZip},
		"torch.save with many tensors": {zipped(t, "", manyNames(70_000, "m/data.pkl", "m/version")...), PyTorchZip},
		"without a version":            {zipped(t, "", "m/data.pkl", "m/data/0"), None},
		"without a pickle":             {zipped(t, "", "m/version", "m/data/0"), None},
		"in two folders":               {zipped(t, "", "a/data.pkl", "b/version"), None},
		"in no folder":                 {zipped(t, "", "data.pkl", "version"), None},
		"deeper":                       {zipped(t, "", "x/m/data.pkl", "x/m/version"), None},
		"a document":                   {zipped(t, "", "[Content_Types].xml", "word/document.xml", "docProps/app.xml"), None},
		"a wheel":                      {zipped(t, "", "torch/version.py", "torch/data.pkl"), None},
		"an empty ZIP file":            {zipped(t, ""), None},
		"a ZIP file without its end":   {zipped(t, "", "m/data.pkl", "m/version")[:80], None},

		"a pickle that stops before torch":   {[]byte("\x80\x02N.ctorch\nTensor\n."), None},
		"a pickle of another torch":          {[]byte("\x80\x02ctorchvision.models\nResNet\n."), None},
		"a pickle of torch":                  {[]byte("\x80\x02(ctorch.nn\nLinear\n."), PyTorchPickle},
		"a pickle of protocol 1":             {[]byte("\x80\x01ctorch\nTensor\n."), None},
		"a pickle with an unknown opcode":    {[]byte("\x80\x02\xffctorch\nTensor\n."), None},
		"a pickle that ends in a length":     {[]byte("\x80\x02X\x05\x00"), None},
		"a pickle of a text of 2^60 bytes":   {[]byte("\x80\x04\x8d\x00\x00\x00\x00\x00\x00\x00\x10torch"), None},
		"a pickle with a line without end":   {[]byte("\x80\x02ctorch"), None},
		"a pickle that names torch in texts": {[]byte("\x80\x04\x8c\x05torch\x8c\x06Tensor."), None},
		"a number like the legacy one":       {[]byte("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x18."), None},

		"nothing":      {nil, None},
		"a byte":       {[]byte{8}, None},
		"zeros":        {make([]byte, 10_000), None},
		"text":         {[]byte(strings.Repeat("The quick brown fox.\n", 1000)), None},
		"a program":    {join([]byte("\x7fELF\x02\x01\x01"), make([]byte, 5000)), None},
		"JSON":         {[]byte(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`), None},
		"gzip":         {[]byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"), None},
		"half a magic": {[]byte("\x89TGSP\r\n"), None},
	} {
		wantKind(t, name, c.data, c.want)
	}
}

func withFunctions(m message, n int) message {
	for range n {
		m = m.bytes(25, []byte("function"))
	}
	return m
}

// TestDetectRandom looks at bytes without a meaning, and at such after the first
// bytes of each format that has no magic number.
func TestDetectRandom(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	starts := [][]byte{nil, {8}, {8, 7}, {8, 8, 0x3a}, {0x80, 2}, {0x80, 4, 0x95}, join(u64(100), []byte("{")), join(u64(100), []byte(`{"`))}
	for i := range 20_000 {
		data := make([]byte, 300)
		for j := range data {
			data[j] = byte(random.Uint32())
		}
		copy(data, starts[i%len(starts)])
		wantKind(t, "random", data, None)
	}
}

// TestDetectOrdinaryFiles looks at this project's own files.
func TestDetectOrdinaryFiles(t *testing.T) {
	files := 0
	for _, pattern := range []string{"*.go", "testdata/*.py", "../*.go", "../../../*", "../../../container/*", "../../../container/testdata/kit/*"} {
		names, err := filepath.Glob(pattern)
		check(t, err)
		for _, name := range names {
			if info, err := os.Stat(name); err != nil || info.IsDir() {
				continue
			}
			data, err := os.ReadFile(name)
			check(t, err)
			files++
			wantKind(t, name, data, None)
		}
	}
	if files < 100 {
		t.Errorf("only %d files were looked at", files)
	}
}

// TestDetectReadsLittle has a large file of each kind, of which the most costly
// way to be told is a ZIP file's.
func TestDetectReadsLittle(t *testing.T) {
	const small = 256 << 10
	for name, c := range map[string]struct {
		data  []byte
		limit int64
	}{
		"text":        {[]byte(strings.Repeat("The quick brown fox.\n", 1<<20)), headSize},
		"safetensors": {safetensors(tensorHeader, 32<<20), small},
		"ONNX":        {message(nil).number(1, 8).bytes(7, message(nil).bytes(5, make([]byte, 32<<20))).bytes(8, onnxOpset), small},
		"pickle":      {join([]byte("\x80\x04B"), u32(32<<20), make([]byte, 32<<20)), small},
		"ZIP":         {zipped(t, "", longNames(400)...), zipMaxLook + small},
	} {
		r := &counter{r: bytes.NewReader(c.data)}
		if _, err := Detect(r, int64(len(c.data))); err != nil || r.n > c.limit {
			t.Errorf("%s: %d of %d bytes were read, at most %d are allowed: %v", name, r.n, len(c.data), c.limit, err)
		}
	}
}

// TestDetectDirectoryThatLies has ZIP files that claim more than they hold.
func TestDetectDirectoryThatLies(t *testing.T) {
	good := zipped(t, "", "m/data.pkl", "m/version")
	end := len(good) - zipEnd
	for name, change := range map[string]func(b []byte){
		"directory beyond the end": func(b []byte) { copy(b[end+16:], u32(1<<31)) },
		"directory of nothing":     func(b []byte) { copy(b[end+12:], u32(0)) },
		"directory in the entries": func(b []byte) { copy(b[end+16:], u32(3)) },
	} {
		b := bytes.Clone(good)
		change(b)
		wantKind(t, name, b, None)
	}
	longer := bytes.Clone(good)
	copy(longer[end+12:], u32(1<<31))
	wantKind(t, "directory longer than it is", longer, PyTorchZip)

	// The record that PyTorch writes besides, which leads elsewhere.
	large := join(good[:end], []byte("PK\x06\x07"), u32(0), u64(1<<63), u32(1), good[end:])
	wantKind(t, "large form beyond the end", large, None)
	large = join(good[:end], []byte("PK\x06\x07"), u32(0), u64(0), u32(1), good[end:])
	wantKind(t, "large form that is none", large, None)
}

// broken fails from some offset on, as a bad disk.
type broken struct {
	data []byte
	from int64
}

var errDisk = errors.New("bad disk")

func (b broken) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > b.from {
		return 0, errDisk
	}
	return bytes.NewReader(b.data).ReadAt(p, off)
}

func TestDetectOnBrokenStorage(t *testing.T) {
	for name, data := range map[string][]byte{
		"text":        []byte(strings.Repeat("x", 100)),
		"safetensors": safetensors(tensorHeader, 100_000),
		"ONNX":        onnx(),
		"ZIP":         zipped(t, "", manyNames(1000, "m/data.pkl", "m/version")...),
		"pickle":      join([]byte("\x80\x04B"), u32(100_000), make([]byte, 100_000)),
		"TFLite":      join(u32(20_000), tflite()[4:], make([]byte, 30_000)),
	} {
		for _, from := range []int64{0, 5000} {
			kind, err := Detect(broken{data, from}, int64(len(data)))
			told := kind == Safetensors || name == "text" && kind == None // by what could be read
			if !errors.Is(err, errDisk) && (from == 0 || !told) {
				t.Errorf("%s, broken from %d on: %q, %v", name, from, kind, err)
			}
		}
	}
}

// TestDetectShrunkFile has a size that is no longer right.
func TestDetectShrunkFile(t *testing.T) {
	for _, data := range [][]byte{nil, onnx(), zipped(t, "", "m/data.pkl"), []byte("\x80\x04"), tflite(), safetensors(tensorHeader, 0)} {
		if _, err := Detect(bytes.NewReader(data), 1<<40); err != nil {
			t.Errorf("%d bytes: %v", len(data), err)
		}
	}
}

// TestKindsAreStable: programs read the names.
func TestKindsAreStable(t *testing.T) {
	names, err := json.Marshal([]Kind{TGSP, Safetensors, GGUF, ONNX, PyTorchZip, PyTorchPickle, TensorRT, TFLite})
	check(t, err)
	if string(names) != `["tgsp","safetensors","gguf","onnx","pytorch-zip","pytorch-pickle","tensorrt","tflite"]` {
		t.Errorf("%s", names)
	}
}

// FuzzDetect looks for input that breaks it or makes it read without bound.
func FuzzDetect(f *testing.F) {
	for _, name := range []string{"save.pt", "script.pt", "save-legacy.pt", "plain-protocol-2.pkl", "plain-protocol-5.pkl", "linear.onnx", "numpy.pkl", "arrays.npz"} {
		f.Add(sample(f, name))
	}
	for _, data := range [][]byte{safetensors(tensorHeader, 24), gguf(3), tensorRT("ftrt"), wrapped("{}", tensorRT("ftrt")), tflite(), onnx()} {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r := &counter{r: bytes.NewReader(data)}
		kind, err := Detect(r, int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		// The parts that are looked at may lie over each other, but not often.
		if limit := int64(zipMaxLook + maxModelFields*2*maxNameLook); r.n > limit {
			t.Errorf("%d bytes were read of %d", r.n, len(data))
		}
		again, err := Detect(bytes.NewReader(append(data[:len(data):len(data)], 0)), int64(len(data)))
		if err != nil || again != kind {
			t.Errorf("%q, and %q with a byte after the end: %v", kind, again, err)
		}
	})
}
