// Package tokens counts the tokens of a text, as models do, for the budgets that
// tests hold. Only tests import it.
package tokens

import (
	"sync"

	"github.com/pkoukk/tiktoken-go"
	loader "github.com/pkoukk/tiktoken-go-loader"
)

// encoding is o200k, whose ranks come with the module: nothing is fetched.
var encoding = sync.OnceValue(func() *tiktoken.Tiktoken {
	tiktoken.SetBpeLoader(loader.NewOfflineLoader())
	e, err := tiktoken.GetEncoding("o200k_base")
	if err != nil {
		panic(err) // the ranks are a part of this program
	}
	return e
})

// Count is the number of tokens of a text.
func Count(text string) int { return len(encoding().EncodeOrdinary(text)) }
