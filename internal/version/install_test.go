package version

import (
	"archive/zip"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestInstalledByGo: a program that 'go install <module>@<version>' has built, without
// any option of ours, knows its version.
func TestInstalledByGo(t *testing.T) {
	const module, installed = "github.com/git-crosslink/git-crosslink", "v0.9.8"
	source, err := os.ReadFile("version.go")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{
		"go.mod":                      "module " + module + "\n\ngo 1.24\n",
		"internal/version/version.go": string(source),
		"cmd/says/main.go":            "package main\n\nimport (\n\t\"fmt\"\n\n\t\"" + module + "/internal/version\"\n)\n\nfunc main() { fmt.Printf(\"%+v\", version.Current()) }\n",
	}
	root := t.TempDir()
	at := filepath.Join(root, "proxy", filepath.FromSlash(module), "@v")
	if err := os.MkdirAll(at, 0o777); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(at, installed+".zip"))
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	for name, text := range files {
		w, err := z.Create(module + "@" + installed + "/" + name)
		if err == nil {
			_, err = w.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{installed + ".mod": files["go.mod"], installed + ".info": `{"Version":"` + installed + `"}`, "list": installed + "\n"} {
		if err := os.WriteFile(filepath.Join(at, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	bin := filepath.Join(root, "bin")
	cmd := exec.Command("go", "install", module+"/cmd/says@"+installed)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOPROXY=file://"+filepath.ToSlash(filepath.Join(root, "proxy")), "GOSUMDB=off", "GOFLAGS=-modcacherw",
		"GOMODCACHE="+filepath.Join(root, "modules"), "GOBIN="+bin, "GOTOOLCHAIN=local", "GOWORK=off", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go install: %v\n%s", err, out)
	}
	out, err := exec.Command(filepath.Join(bin, "says")).Output()
	if want := "{Version:0.9.8 Commit: Modified:false}"; err != nil || string(out) != want {
		t.Errorf("%v: %q, want %q", err, out, want)
	}
}
