package windows

import "slices"

// foreign is a counter of the record that the layout lacks: it is of another pack, which may come
// back. Its bytes are carried along as they are.
type foreign struct {
	id   uint64
	head head
	body []byte // head and what follows
}

// decodeForeign keeps a counter that the layout lacks. A counter that has run out is dropped, or it
// would stay forever in a subject that still gets events.
func (s record) decodeForeign(d *decoder, id uint64) {
	body := d.b
	h := decodeHead(d, s.time, uint64(s.generations))
	if d.err != nil {
		return
	}
	for i := range s.foreign {
		if s.foreign[i].id == id {
			d.fail("twice")
			return
		}
	}
	if len(s.foreign) == maxForeign {
		d.fail("more than %d of other layouts", maxForeign)
		return
	}
	f := foreign{id, h, body}
	if h.runOut(s.time) {
		f.dropAll()
	} else {
		f.body = slices.Clone(body)
	}
	if !f.head.blank() {
		s.foreign = append(s.foreign, f)
	}
}

// dropAll drops what the counter holds; what is left says which parts may exist.
func (f *foreign) dropAll() {
	f.head.dropAll()
	f.body = f.head.append(nil)
}

// delete notes that a part is gone from the store. What follows the head stays as it is.
func (f *foreign) delete(chunk int) {
	rest := f.body[len(f.head.append(nil)):]
	f.head.stored.delete(chunk, f.head.chunks, f.head.part)
	f.body = append(f.head.append(nil), rest...)
}
