// Verifies a log with the packages of Go's checksum database: note signature, cosignatures, every tile, every entry, inclusion and
// consistency proofs. It shares no code with the crate that it checks.
//
//	verify FOLDER LOG_VKEY SINCE COSIGNER_VKEY...
//
// SINCE is the file of a checkpoint kept from before, or "-". Each cosigner (Ed25519, type 4) must have cosigned.
// Exits with 0 and "ok SIZE", or with 1 and what is wrong.
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

func main() {
	if len(os.Args) < 4 {
		fmt.Println("usage: verify FOLDER LOG_VKEY SINCE COSIGNER_VKEY...")
		os.Exit(2)
	}
	size, err := verify(os.Args[1], os.Args[2], os.Args[3], os.Args[4:])
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("ok", size)
}

func verify(folder, vkey, since string, cosigners []string) (int64, error) {
	text, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	if err != nil {
		return 0, err
	}
	tree, err := open(text, vkey)
	if err != nil {
		return 0, err
	}
	for _, cosigner := range cosigners {
		if err := checkCosigned(text, cosigner); err != nil {
			return 0, err
		}
	}
	stored, err := hashEntries(folder, tree.N)
	if err != nil {
		return 0, err
	}
	root, err := tlog.TreeHash(tree.N, stored)
	if err != nil || root != tree.Hash {
		return 0, fmt.Errorf("the entries do not make the signed root (%v)", err)
	}
	if err := checkTiles(folder, tree.N, stored); err != nil {
		return 0, err
	}
	return tree.N, checkProofs(folder, tree, vkey, since)
}

// open checks the log's signature and reads the checkpoint, whose origin must be the key's name.
func open(text []byte, vkey string) (tlog.Tree, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return tlog.Tree{}, err
	}
	opened, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() || lines[3] != "" {
		return tlog.Tree{}, fmt.Errorf("not a checkpoint of %s", verifier.Name())
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}

// checkCosigned checks a cosignature/v1 (C2SP tlog-cosignature), which Go's package does not know.
func checkCosigned(text []byte, vkey string) error {
	parts := strings.SplitN(vkey, "+", 3)
	key, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(key) != 33 || key[0] != 4 {
		return fmt.Errorf("%s is not the key of an Ed25519 cosigner", vkey)
	}
	id := sha256.Sum256(append([]byte(parts[0]+"\n"), key...))
	end := bytes.LastIndex(text, []byte("\n\n"))
	body, lines := string(text[:end+1]), strings.Split(string(text[end+2:]), "\n")
	for _, line := range lines {
		signature := strings.TrimPrefix(line, "\u2014 "+parts[0]+" ")
		raw, err := base64.StdEncoding.DecodeString(signature)
		if signature == line || err != nil || len(raw) != 4+8+64 || !bytes.Equal(raw[:4], id[:4]) {
			continue
		}
		message := fmt.Sprintf("cosignature/v1\ntime %d\n%s", binary.BigEndian.Uint64(raw[4:12]), body)
		if !ed25519.Verify(key[1:], []byte(message), raw[12:]) {
			return fmt.Errorf("the cosignature of %s is false", parts[0])
		}
		return nil
	}
	return fmt.Errorf("not cosigned by %s", parts[0])
}

// hashes are the stored hashes of a log in the order of Go's package.
type hashes []tlog.Hash

func (h hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var found []tlog.Hash
	for _, index := range indexes {
		if index >= int64(len(h)) {
			return nil, fmt.Errorf("hash %d is missing", index)
		}
		found = append(found, h[index])
	}
	return found, nil
}

// hashEntries reads every entry bundle.
func hashEntries(folder string, size int64) (hashes, error) {
	var stored hashes
	for n := int64(0); n < size; {
		width := size - n
		if width > 256 {
			width = 256
		}
		path := tilePath(tlog.Tile{H: height, L: -1, N: n / 256, W: int(width)})
		bundle, err := os.ReadFile(filepath.Join(folder, path))
		if err != nil {
			return nil, err
		}
		for i := int64(0); i < width; i++ {
			if len(bundle) < 2 || len(bundle)-2 < int(binary.BigEndian.Uint16(bundle)) {
				return nil, fmt.Errorf("%s is cut off", path)
			}
			length := int(binary.BigEndian.Uint16(bundle))
			more, err := tlog.StoredHashes(n+i, bundle[2:2+length], stored)
			if err != nil {
				return nil, err
			}
			stored, bundle = append(stored, more...), bundle[2+length:]
		}
		if len(bundle) != 0 {
			return nil, fmt.Errorf("%s is too long", path)
		}
		n += width
	}
	return stored, nil
}

// checkTiles compares each tile with what the entries make.
func checkTiles(folder string, size int64, stored hashes) error {
	for _, tile := range tlog.NewTiles(height, 0, size) {
		// Go lists each width that a partial tile may have had on the way; a log of this size needs the last.
		if last := size>>(height*tile.L) - tile.N<<height; tile.W < 1<<height && int64(tile.W) != last {
			continue
		}
		expected, err := tlog.ReadTileData(tile, stored)
		if err != nil {
			return err
		}
		found, err := os.ReadFile(filepath.Join(folder, tilePath(tile)))
		if err != nil {
			return err
		}
		if !bytes.Equal(expected, found) {
			return fmt.Errorf("%s is not what the entries make", tilePath(tile))
		}
	}
	return nil
}

// checkProofs makes proofs of the tiles alone, which Go's reader authenticates, and verifies them.
func checkProofs(folder string, tree tlog.Tree, vkey, since string) error {
	reader := tlog.TileHashReader(tree, tiles(folder))
	for _, n := range []int64{0, 1, tree.N / 2, tree.N - 1} {
		if n < 0 || n >= tree.N {
			continue
		}
		leaf, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(0, n)})
		if err != nil {
			return err
		}
		proof, err := tlog.ProveRecord(tree.N, n, reader)
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, n, leaf[0]); err != nil {
			return err
		}
	}
	if since == "-" {
		return nil
	}
	text, err := os.ReadFile(since)
	if err != nil {
		return err
	}
	old, err := open(text, vkey)
	if err != nil {
		return err
	}
	if old.N > tree.N {
		return fmt.Errorf("the log was rolled back")
	}
	if old.N == 0 || tree.N == 0 {
		return nil
	}
	proof, err := tlog.ProveTree(tree.N, old.N, reader)
	if err != nil {
		return err
	}
	return tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash)
}

// tiles reads the tiles of a folder.
type tiles string

func (t tiles) Height() int { return height }

func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range wanted {
		data, err := os.ReadFile(filepath.Join(string(t), tilePath(tile)))
		if err != nil {
			return nil, err
		}
		found = append(found, data)
	}
	return found, nil
}

func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

// tilePath is the path of C2SP tlog-tiles: Go's has the height before the level, and other names for entries.
func tilePath(tile tlog.Tile) string {
	path := strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", height))
	return "tile/" + strings.Replace(path, "data/", "entries/", 1)
}
