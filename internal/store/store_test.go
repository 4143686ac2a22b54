package store_test

import (
	"testing"

	"github.com/maisonrmi/sopd/internal/store/storetest"
)

func TestSuite(t *testing.T) {
	storetest.Each(t, storetest.Run)
}
