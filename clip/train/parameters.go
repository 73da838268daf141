package train

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/clipvqgan/clipvqgan/torch"
)

// decayed reports whether weight decay applies to a parameter: the rule of open_clip_train/main.py.
func decayed(name string, dimensions int64) bool {
	if dimensions < 2 {
		return false
	}
	for _, part := range []string{"bn", "ln", "bias", "logit_scale"} {
		if strings.Contains(name, part) {
			return false
		}
	}
	return true
}

// A tower is a part of a model.
type tower int

const (
	neither tower = iota // the logit scale and bias
	imageTower
	textTower
)

func (t tower) String() string { return [...]string{"neither", "image encoder", "text encoder"}[t] }

func towerOf(name string) tower {
	switch {
	case strings.HasPrefix(name, "logit_"):
		return neither
	case strings.HasPrefix(name, "visual."):
		return imageTower
	}
	return textTower
}

// inBlock matches the names of parameters in the blocks of an encoder: of transformers, of timm's
// networks, and the stages of ResNets.
var inBlock = regexp.MustCompile(`^(?:visual\.(?:transformer\.resblocks\.|trunk\.blocks\.|trunk\.stages\.|layer)|transformer\.resblocks\.)(\d+)\.`)

// blockOf returns the number of the block that a parameter is in.
func blockOf(name string) (block int, ok bool) {
	found := inBlock.FindStringSubmatch(name)
	if found == nil {
		return 0, false
	}
	block, err := strconv.Atoi(found[1])
	return block, err == nil
}

// afterBlocks are the beginnings of the names of parameters through which the results of the last block go.
var afterBlocks = []string{
	"visual.ln_post", "visual.proj", "visual.attn_pool", "visual.attnpool", "visual.head", "visual.trunk.norm",
	"visual.trunk.fc_norm", "visual.trunk.attn_pool", "visual.trunk.final_conv", "visual.trunk.head",
	"ln_final", "text_projection",
}

// selected returns which parameters are trained, by their names; with LoRA the weights beside which its matrices are are
// not among them.
func (c Config) selected(parameters []torch.NamedTensor) (map[string]bool, error) {
	last := map[tower]int{}
	for _, parameter := range parameters {
		if block, ok := blockOf(parameter.Name); ok {
			last[towerOf(parameter.Name)] = max(last[towerOf(parameter.Name)], block+1)
		}
	}
	frozen := map[tower]bool{imageTower: c.FreezeImages, textTower: c.FreezeTexts}
	if c.Blocks > 0 {
		for _, each := range []tower{imageTower, textTower} {
			if !frozen[each] && c.Blocks > last[each] {
				return nil, fmt.Errorf("the setting Blocks is %d, and the %s has %d: %w", c.Blocks, each, last[each], torch.ErrInvalid)
			}
		}
	}
	selected := map[string]bool{}
	for _, parameter := range parameters {
		name := parameter.Name
		part := towerOf(name)
		switch {
		case part == neither:
			selected[name] = true
		case frozen[part] || c.LoRA.Rank > 0:
		case c.Blocks == 0:
			selected[name] = true
		default:
			block, inside := blockOf(name)
			selected[name] = inside && block >= last[part]-c.Blocks || !inside && isAfterBlocks(name)
		}
	}
	return selected, nil
}

func isAfterBlocks(name string) bool {
	for _, prefix := range afterBlocks {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}
