package gen

import (
	"math"
	"math/rand/v2"
)

// What a third of incidents always has, the others have for a third of the span and, outside of it, in part.
const (
	busyPart  = 1.0 / 3
	quietPart = 0.15
)

// crowd draws who takes part. Ranks follow Zipf's law: 0 is the most active.
type crowd struct {
	rng      *rand.Rand
	seed     uint64
	accounts int64

	incidents, readers, authors, operators, helpers *rand.Zipf
}

func newCrowd(c Config, rng *rand.Rand) crowd {
	zipf := func(exponent float64, n int) *rand.Zipf { return rand.NewZipf(rng, exponent, 1, uint64(max(n, 1)-1)) }
	return crowd{
		rng: rng, seed: c.Seed, accounts: int64(c.Accounts),
		incidents: zipf(1.1, c.Incidents),
		readers:   zipf(1.01, c.Accounts),
		authors:   zipf(1.05, c.Accounts/100),
		operators: zipf(1.05, c.Accounts/400),
		helpers:   zipf(1.05, c.Accounts/400),
	}
}

// incident draws an incident that has traffic at this part of the span.
func (c *crowd) incident(progress float64) int64 {
	for {
		n := int64(c.incidents.Uint64())
		if c.busy(n, progress) || c.rng.Float64() < quietPart {
			return n
		}
	}
}

func (c *crowd) busy(incident int64, progress float64) bool {
	if incident%3 == 0 {
		return true
	}
	from := c.fraction("busy", incident) * (1 - busyPart)
	return progress >= from && progress < from+busyPart
}

// reader draws an account; each incident has its own most active ones.
func (c *crowd) reader(incident int64) id {
	shift := int64(c.fraction("readers", incident) * float64(c.accounts))
	return id{prefix: "user-", number: (int64(c.readers.Uint64()) + shift) % c.accounts}
}

func (c *crowd) anyone() id   { return id{prefix: "user-", number: c.rng.Int64N(c.accounts)} }
func (c *crowd) author() id   { return id{prefix: "author-", number: int64(c.authors.Uint64())} }
func (c *crowd) operator() id { return id{prefix: "operator-", number: int64(c.operators.Uint64())} }
func (c *crowd) helper() id   { return id{prefix: "helper-", number: int64(c.helpers.Uint64())} }
func (c *crowd) chatGroup() id {
	return id{prefix: "group-", number: c.rng.Int64N(max(c.accounts/20, 1))}
}

// size returns a number between low and high that belongs to an id, small ones being more frequent.
func (c *crowd) size(what string, number, low, high int64) int64 {
	return int64(float64(low) * math.Pow(float64(high)/float64(low), c.fraction(what, number)))
}

// followers returns how many an author has by now. A few are famous; they are not among those who publish most.
func (c *crowd) followers(author id, progress float64) int64 {
	last := c.size("fame", author.number, 20, 500)
	if author.number%500 == 499 {
		last = 45_000
	}
	return int64(float64(last) * growth(progress))
}

// amount draws a number between low and high, small ones being more frequent.
func (c *crowd) amount(low, high int64) int64 {
	return int64(float64(low) * math.Pow(float64(high)/float64(low), c.rng.Float64()))
}

// fraction returns a number in [0, 1) that belongs to an id: splitmix64 of seed, name and number.
func (c *crowd) fraction(what string, number int64) float64 {
	x := c.seed + uint64(number)*0x9e3779b97f4a7c15
	for _, letter := range []byte(what) {
		x = mix(x ^ uint64(letter))
	}
	return float64(mix(x)>>11) / (1 << 53)
}

func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
