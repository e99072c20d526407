package fetch

import "testing"

func TestAppendBatch(t *testing.T) {
	records := []Record{
		{Offset: 100, Timestamp: 50, Key: []byte("a"), Value: []byte("x"), Headers: []Header{{Key: []byte("h")}}},
		{Offset: 105, Timestamp: 70},
		{Offset: 106, Timestamp: 60, Key: []byte{}},
	}
	raw := AppendBatch(nil, records)
	raw = AppendBatch(raw, number(200, 1))
	s := NewSet("t", 3, 100, raw)
	equal(t, "records", read(s), "100:50:a=x[h=null] 105:70:null=null 106:60:=null 200:1000:k200=v200")
	equal(t, "next", s.Next, 201)
	h, err := parseBatch(raw)
	if err != nil || h.newest != 70 {
		t.Errorf("largest timestamp %d, error %v", h.newest, err)
	}
}
