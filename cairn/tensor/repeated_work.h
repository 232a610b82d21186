// Memory that is freed stays for the next request of its size while the same work comes again and again.
#pragma once

namespace cairn {

// In its scope large blocks are kept as after a backward(): a network that is asked for one batch after
// another asks the system for nothing. What had been let go before is given back at the end of the last one.
class RepeatedWork {
 public:
  RepeatedWork();
  RepeatedWork(const RepeatedWork&) = delete;
  RepeatedWork& operator=(const RepeatedWork&) = delete;
  ~RepeatedWork();

 private:
  bool began_;  // nobody kept any before
};

}  // namespace cairn
