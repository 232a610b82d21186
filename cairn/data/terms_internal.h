// Terms of a text: one or several neighbouring words. What tf_idf counts and hash scatters.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/data/words.h"
#include "cairn/ops/matrix.h"

namespace cairn::transform_detail {

struct Ngrams {
  std::int64_t low = 1, high = 2;
  bool lowercase = true;
};

// Calls use(term) for every term of a text; `words` is room that is used again.
template <class Use>
void for_each_term(std::string_view text, const Ngrams& ngrams, std::vector<std::string>& words, Use&& use) {
  words.clear();
  append_words(text, ngrams.lowercase, words);
  std::string term;
  for (std::size_t i = 0; i < words.size(); ++i) {
    term.clear();
    for (std::size_t k = 1; k <= static_cast<std::size_t>(ngrams.high) && i + k <= words.size(); ++k) {
      if (k > 1) term += ' ';
      term += words[i + k - 1];
      if (k >= static_cast<std::size_t>(ngrams.low)) use(std::string_view(term));
    }
  }
}

// Sparse rows as one chunk of a parallel loop makes them.
struct SparseRows {
  std::vector<std::int64_t> lengths;
  std::vector<std::int32_t> where;  // ascending in a row
  std::vector<double> values;
};
Matrix joined(const std::vector<SparseRows>& parts, std::int64_t columns);

}  // namespace cairn::transform_detail
