package prior

import (
	"fmt"

	"github.com/clipvqgan/clipvqgan/torch"
)

// newCache returns the tensors in which the module keeps keys and values.
func (m *Model) newCache(batch, tokens int64) ([]*torch.Tensor, error) {
	made, err := m.loaded.Frozen.Call("cache", batch, tokens)
	if err != nil {
		return nil, err
	}
	cache, ok := made.([]*torch.Tensor)
	if !ok || len(cache) == 0 {
		return nil, fmt.Errorf("the model's cache gave %T, not tensors: %w", made, torch.ErrModel)
	}
	return cache, nil
}

// tensors returns a prefix as the tokens [1, P] and the embedding [1, D], or nil.
func (m *Model) tensors(p prefix) (tokens, embedding *torch.Tensor) {
	tokens = torch.FromSlice(p.tokens, torch.Shape{1, int64(len(p.tokens))}, m.device)
	if p.embedding != nil {
		embedding = torch.FromSlice(p.embedding, torch.Shape{1, int64(len(p.embedding))}).To(m.device, m.dtype)
	}
	return tokens, embedding
}

// begin puts a condition into the cache of one stream, and returns the logits [1, K] of the first token.
func (m *Model) begin(p prefix, cache []*torch.Tensor, stream int64) (*torch.Tensor, error) {
	tokens, embedding := m.tensors(p)
	own := make([]*torch.Tensor, len(cache))
	for i, tensor := range cache {
		own[i] = tensor.Narrow(2, stream, 1)
	}
	return m.loaded.Frozen.CallTensor("begin", tokens, embedding, own)
}
