// Fitting on more rows than memory holds: they come in parts, again and again, and the learner keeps sums, or
// of every row less than the row.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "cairn/model/learner.h"

namespace cairn {

class DatasetParts {
 public:
  virtual ~DatasetParts() = default;
  virtual std::int64_t num_rows() const = 0;  // of all parts
  // Some of the rows, in memory: what transforms are fitted on, and where a learner may start from.
  virtual const Dataset& sample() const = 0;
  // Every row once, in the same order at every call, with the columns, task and classes of the sample. A part
  // has rows, and some of them weigh more than 0; it may lack a class.
  virtual void each(const std::function<void(const Dataset& part)>& use) = 0;
  // Bytes that a learner may hold of the rows beside the part at hand; 0: no limit.
  virtual std::uint64_t most_bytes() const { return 0; }
};

// Beside Learner: what needs no more of the rows than to see them one part after another.
class PartsLearner {
 public:
  virtual ~PartsLearner() = default;
  // Why it cannot with the parameters as they are: "penalty = none ..."; "" when it can.
  virtual std::string why_not_in_parts() const { return {}; }
  // Whether what it holds grows with the rows.
  virtual bool keeps_rows() const { return false; }
  // Why it cannot with rows such as these, told from the sample and the number of rows, before memory is
  // taken: what it would hold is more than most_bytes(), or something of the data needs all rows. "" when it
  // can.
  virtual std::string why_not_these(const DatasetParts& /*rows*/) const { return {}; }
  // Wherever the parts end, the model that fit() makes of the same rows in memory, to rounding; where their
  // order matters to a learner, it says in which it meets them. Of a learner that keeps_rows(), where the
  // sample is all of them: from a smaller one it takes what it says in its notes. The errors of fit();
  // ResourceError says why_not_these().
  virtual std::unique_ptr<Model> fit_parts(DatasetParts& rows, const FitContext& context) const = 0;
};

// Why this learner cannot be fitted in parts, in a clause: "random_forest needs all rows in memory"; "" when
// it can.
std::string why_not_in_parts(const Learner& learner);

}  // namespace cairn
